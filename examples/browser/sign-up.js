// A page of another origin that signs people up. The service has to allow that origin: `http.cors_origins`.

const API = new URLSearchParams(location.search).get('api') ?? 'http://localhost:8000';
const byId = (id) => document.getElementById(id);

async function post(operation, { body, authorization }) {
  const headers = { Accept: 'application/json' };
  if (authorization) headers.Authorization = authorization;
  if (body) headers['Content-Type'] = 'application/json';
  const response = await fetch(`${API}/api/v1/users/${operation}`, {
    method: 'POST',
    headers,
    body: body && JSON.stringify(body),
    // Otherwise a wrong password opens the browser's own log-in dialog.
    credentials: 'omit',
  });
  const answer = await response.json();
  if (response.ok) return answer;
  // A problem document (RFC 9457): branch on its `code`, and show each of `errors` beside its field.
  const fields = (answer.errors ?? []).map(({ pointer, detail }) => `${pointer.slice(1)}: ${detail}`);
  const wait = response.headers.get('Retry-After');
  throw new Error([answer.detail, ...fields, wait && `Try again in ${wait} seconds.`].filter(Boolean).join(' '));
}

// Basic authentication in UTF-8 (RFC 7617); `btoa` alone knows fewer characters.
function authorization() {
  const bytes = new TextEncoder().encode(`${byId('email').value}:${byId('password').value}`);
  return `Basic ${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))}`;
}

async function attempt(task) {
  byId('message').textContent = '';
  try {
    byId('message').textContent = await task();
  } catch (error) {
    byId('message').textContent = error.message;
  }
}

byId('register').addEventListener('submit', (event) => {
  event.preventDefault();
  attempt(async () => {
    const body = { email: byId('email').value, password: byId('password').value };
    const { message } = await post('register', { body });
    byId('activate').hidden = false;
    byId('code').focus();
    return message;
  });
});

byId('activate').addEventListener('submit', (event) => {
  event.preventDefault();
  attempt(async () => {
    const body = { code: byId('code').value };
    const { message } = await post('activate', { body, authorization: authorization() });
    return message;
  });
});

byId('resend').addEventListener('click', () => {
  attempt(async () => (await post('resend-code', { authorization: authorization() })).message);
});
