// The floor: node:http and nothing else. Streams are piped through, answers are serialised for each request.
import { Agent, createServer, request as httpRequest, type ServerResponse } from 'node:http';
import { referenceArguments } from './arguments.js';

const { port, upstream, reads } = referenceArguments();
const bodies = new Map(Object.entries(reads).map(([name, answer]) => [`/${name}`, answer]));
const agent = new Agent({ keepAlive: true });

function sendJson(response: ServerResponse, value: unknown): void {
  const body = JSON.stringify(value);
  response
    .writeHead(200, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
    })
    .end(body);
}

createServer((request, response) => {
  const { method = 'GET', url = '/', headers } = request;
  const answer = bodies.get(url);
  if (answer !== undefined) {
    sendJson(response, answer);
    return;
  }
  const onward = httpRequest(`${upstream}${url}`, { method, headers, agent }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  response.on('close', () => onward.destroy());
  request.pipe(onward);
}).listen(port, '127.0.0.1');
