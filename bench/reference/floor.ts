// The floor: node:http and nothing else. Streams are piped through, lists are serialised for each request.
import { Agent, createServer, request as httpRequest, type ServerResponse } from 'node:http';
import { referenceArguments } from './arguments.js';

const { port, upstream, lists } = referenceArguments();
const bodies = new Map(Object.entries(lists).map(([name, list]) => [`/${name}`, list]));
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
  const list = bodies.get(url);
  if (list !== undefined) {
    sendJson(response, list);
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
