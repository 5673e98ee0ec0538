// Nest on Express with one controller: no pipe, guard, interceptor, middleware or body parser.
import { Controller, Get, Module, Post, Req, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Request, Response } from 'express';
import 'reflect-metadata';
import { Pool } from 'undici';
import { referenceArguments } from './arguments.js';

const { port, upstream, reads } = referenceArguments();
const pool = new Pool(upstream, { connections: null });

@Controller()
class BareController {
  @Get('threads')
  threads(): unknown {
    return reads.threads;
  }

  @Get('messages')
  messages(): unknown {
    return reads.messages;
  }

  @Get('user')
  user(): unknown {
    return reads.user;
  }

  @Post('v1/chat/completions')
  async stream(@Req() request: Request, @Res() response: Response): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const { method, url: path } = request;
    const headers = { 'content-type': 'application/json' };
    await pool.stream({ method, path, headers, body: request, signal: gone.signal }, (answer) =>
      response.writeHead(answer.statusCode, answer.headers),
    );
  }
}

@Module({ controllers: [BareController] })
class BareModule {}

const app = await NestFactory.create<NestExpressApplication>(BareModule, {
  bodyParser: false,
  logger: false,
});
// Parley has none either.
app.set('etag', false);
await app.listen(port, '127.0.0.1');
