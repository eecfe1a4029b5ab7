"use strict";
// Loaded before Swagger UI, which keeps the `btoa` that it finds and encodes Basic credentials with it. The browser's
// own takes ISO-8859-1 only and fails on `€`; the API announces UTF-8 (RFC 7617).
const encodeBytes = btoa;
globalThis.btoa = (text) => encodeBytes(String.fromCharCode(...new TextEncoder().encode(text)));
