// Speaks the public API, as any other client does. Without the browser's own credentials, a 401 never opens its
// log-in dialog, and the password goes nowhere but into the header.

const TIMEOUT = 30_000;

// Sends a request and reads its answer. `code` is that of the problem, and `offline` if there was no answer.
export async function send(operation, body, account) {
  const headers = { Accept: 'application/json', 'Accept-Language': document.documentElement.lang };
  if (account) headers.Authorization = `Basic ${encode(`${account.email}:${account.password}`)}`;
  if (body) headers['Content-Type'] = 'application/json';
  try {
    const response = await fetch(`api/v1/users/${operation}`, {
      method: body || account ? 'POST' : 'GET', headers, body: body && JSON.stringify(body), credentials: 'omit', cache: 'no-store',
      redirect: 'error', signal: AbortSignal.timeout(TIMEOUT),
    });
    const answer = await response.json();
    const wait = Number(response.headers.get('Retry-After'));
    return { ok: response.ok, answer, status: response.status, code: answer.code, detail: answer.detail, errors: answer.errors ?? [], wait };
  } catch {
    return { ok: false, code: 'offline', errors: [], wait: 0 };
  }
}

// Base64 of the text in UTF-8 (RFC 7617).
function encode(text) {
  return btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(''));
}
