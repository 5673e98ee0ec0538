const floatBytes = 4;

/** A vector in little-endian float32, in base64: https://platform.openai.com/docs/api-reference/embeddings/create */
export function toBase64(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * floatBytes);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * floatBytes);
  return bytes.toString('base64');
}

export function fromBase64(base64: string): number[] {
  const bytes = Buffer.from(base64, 'base64');
  return Array.from({ length: Math.floor(bytes.length / floatBytes) }, (_, index) =>
    bytes.readFloatLE(index * floatBytes),
  );
}
