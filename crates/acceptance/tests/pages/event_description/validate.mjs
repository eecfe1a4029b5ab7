// Prints what AsyncAPI's parser finds in a document, down to hints, and fails unless it finds nothing.
import { readFileSync } from 'node:fs';
import { Parser } from '@asyncapi/parser';

const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], 'utf8'));
for (const { code, path, message } of diagnostics) {
  console.log(`${code} at ${path.join('.')}: ${message}`);
}
if (!document || diagnostics.length > 0) process.exit(1);
console.log(`${document.allOperations().length} operations`);
