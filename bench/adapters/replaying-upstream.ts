// The upstream of `npm run bench -- --adapters`: `<port> <chunks>`. Says the recording that the first segment of the path names, each
// event an HTTP chunk of its own, as fast as it is read.
import { createServer } from 'node:http';
import { longStream, recordedStreams } from './recorded-streams.js';

const [port = '0', chunks = '1'] = process.argv.slice(2);
const streams = new Map(
  await Promise.all(
    recordedStreams.map(async (recorded) => {
      return [recorded.name, await longStream(recorded, Number(chunks))] as const;
    }),
  ),
);

createServer((request, response) => {
  const stream = streams.get(request.url?.split('/')[1] ?? '');
  request.resume().once('end', () => {
    if (stream === undefined) {
      response.end();
      return;
    }
    response.writeHead(200, { 'content-type': stream.contentType });
    for (const piece of stream.pieces) response.write(piece);
    response.end();
  });
}).listen(Number(port), '127.0.0.1');
