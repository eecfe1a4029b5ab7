// Shows the mails of the inbox as they arrive. Everything a mail says is untrusted: it goes into the page
// as text only (textContent), and its HTML only into a sandboxed frame.

const byId = (id) => document.getElementById(id);
const wide = matchMedia('(min-width: 761px)');
const views = ['html', 'text', 'source'];

let mails = [];          // The list as shown, newest first.
let total = 0;           // The number of all mails, whatever the search.
let open = null;         // The identifier of the open mail.
let follow = true;       // Show the newest mail until one is chosen.
let known = null;        // Identifiers already seen, to mark new ones.

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

async function request(path, options) {
  const response = await fetch(path, options);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response;
}

// A code is on a line of its own. Failing that, the only number of four to eight digits is taken to be the code.
function findCode(text) {
  const lines = new Set(Array.from(text.matchAll(/^[ \t]*(\d{4,8})[ \t]*\r?$/gm), (match) => match[1]));
  if (lines.size === 1) return [...lines][0];
  const numbers = new Set(text.match(/(?<![\w.-])\d{4,8}(?![\w-])/g));
  return numbers.size === 1 ? [...numbers][0] : null;
}

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Browsers offer the clipboard to secure pages only, which plain HTTP on another machine is not.
    const field = element('textarea', 'visually-hidden', text);
    document.body.append(field);
    field.select();
    document.execCommand('copy');
    field.remove();
  }
  const before = button.dataset.label ?? button.textContent;
  button.dataset.label = before;
  button.textContent = 'Copied';
  setTimeout(() => { button.textContent = before; }, 1500);
}

// The list ---------------------------------------------------------------------------------------------

// While the task runs, any number of further calls make it run once more.
function coalesce(task) {
  let running = false;
  let again = false;
  return async () => {
    if (running) { again = true; return; }
    running = true;
    do {
      again = false;
      try { await task(); } catch (error) { console.warn(error); }
    } while (again);
    running = false;
  };
}

const refresh = coalesce(async () => {
  const query = byId('search').value.trim();
  const path = query ? `/api/v1/search?limit=1000&query=${encodeURIComponent(query)}` : '/api/v1/messages?limit=1000';
  const response = await fetch(path);
  // Half-typed filters are refused; the list stays as it is until they are complete.
  if (response.status === 400) { byId('count').textContent = await response.text(); return; }
  const listing = await response.json();
  mails = listing.messages;
  total = listing.total;
  document.title = listing.unread ? `(${listing.unread}) Inbox` : 'Inbox';
  renderList(query, listing);
  await chooseMail();
});

function renderList(query, listing) {
  const focused = document.activeElement?.dataset?.id;
  const seen = new Set(known ?? mails.map((mail) => mail.ID));
  byId('list').replaceChildren(...mails.map((mail) => row(mail, !seen.has(mail.ID))));
  known = new Set([...seen, ...mails.map((mail) => mail.ID)]);
  if (query && mails.length === 0) byId('list').append(element('li', 'none', 'No mail matches.'));
  const mailCount = `${listing.messages_count} ${listing.messages_count === 1 ? 'mail' : 'mails'}`;
  byId('count').textContent = query ? `${mailCount} of ${total}` : `${mailCount}, ${listing.unread} unread`;
  byId('delete-all').disabled = total === 0;
  document.querySelector('main').classList.toggle('empty-inbox', total === 0);
  byId('empty').hidden = total !== 0;
  if (focused) document.querySelector(`#list a[data-id="${focused}"]`)?.focus();
}

function row(mail, fresh) {
  const item = element('li', [mail.Read ? '' : 'unread', fresh ? 'fresh' : ''].join(' ').trim());
  const link = element('a');
  link.href = `#/${mail.ID}`;
  link.dataset.id = mail.ID;
  if (mail.ID === open) link.setAttribute('aria-current', 'true');
  const top = element('div', 'top');
  const time = element('time', '', ago(mail.Created));
  time.dateTime = mail.Created;
  top.append(element('span', 'to', [...mail.To, ...mail.Cc, ...mail.Bcc].map((to) => to.Address).join(', ')), time);
  link.append(top, element('div', 'subject', mail.Subject || '(no subject)'), element('div', 'snippet', mail.Snippet));
  item.append(link);
  const code = findCode(mail.Snippet);
  if (code) {
    const chip = element('button', 'chip', code);
    chip.type = 'button';
    chip.setAttribute('aria-label', `Copy code ${code}`);
    chip.addEventListener('click', () => copy(code, chip));
    item.append(chip);
  }
  return item;
}

function ago(time) {
  const seconds = Math.max(0, Math.round((Date.now() - new Date(time)) / 1000));
  if (seconds < 2) return 'now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  const date = new Date(time);
  const today = date.toDateString() === new Date().toDateString();
  return today
    ? date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
    : date.toLocaleDateString([], { day: 'numeric', month: 'short' });
}

setInterval(() => {
  if (document.hidden) return;
  for (const time of document.querySelectorAll('#list time')) {
    const text = ago(time.dateTime);
    if (time.textContent !== text) time.textContent = text;
  }
}, 1000);

// The open mail ----------------------------------------------------------------------------------------

const chosenId = () => location.hash.match(/^#\/([0-9a-zA-Z]+)$/)?.[1] ?? null;

async function chooseMail() {
  const id = chosenId() ?? (follow && wide.matches ? mails[0]?.ID ?? null : null);
  if (id === open) return showPane();
  open = id;
  for (const link of document.querySelectorAll('#list a')) {
    if (link.dataset.id === open) link.setAttribute('aria-current', 'true');
    else link.removeAttribute('aria-current');
  }
  if (open) await load(open);
  showPane();
}

function showPane() {
  document.querySelector('main').classList.toggle('reading', Boolean(open));
  byId('mail').hidden = !open || total === 0;
  byId('nothing-open').hidden = Boolean(open) || total === 0;
}

async function load(id) {
  const response = await fetch(`/api/v1/message/${id}`);
  if (open !== id) return;
  if (!response.ok) { open = null; location.replace('#/'); return; }
  renderMail(await response.json());
}

function renderMail(mail) {
  byId('subject').textContent = mail.Subject || '(no subject)';
  const people = [['From', mail.From ? [mail.From] : []], ['To', mail.To], ['Cc', mail.Cc], ['Bcc', mail.Bcc]];
  const lines = people.filter(([, list]) => list.length).flatMap(([name, list]) => [
    element('dt', '', name),
    element('dd', '', list.map((one) => (one.Name ? `${one.Name} <${one.Address}>` : one.Address)).join(', ')),
  ]);
  lines.push(element('dt', '', 'Date'), element('dd', '', new Date(mail.Date).toLocaleString()));
  byId('people').replaceChildren(...lines);
  const code = findCode(mail.Text);
  byId('code-card').hidden = !code;
  byId('code').textContent = code ?? '';
  byId('view-text').textContent = mail.Text;
  byId('view-source').textContent = '';
  byId('tab-html').hidden = !mail.HTML;
  showFiles(mail);
  const preferred = localStorage.getItem('view') ?? 'html';
  showView(preferred === 'html' && !mail.HTML ? 'text' : preferred);
}

function showFiles(mail) {
  const links = [...mail.Attachments, ...mail.Inline].map((file) => {
    const link = element('a', '', `${file.FileName || file.ContentType} (${file.Size} bytes)`);
    link.href = `/api/v1/message/${mail.ID}/part/${encodeURIComponent(file.PartID)}`;
    link.download = file.FileName;
    return link;
  });
  byId('files').replaceChildren(...links);
  byId('files').hidden = links.length === 0;
}

async function showView(view) {
  for (const name of views) {
    const tab = byId(`tab-${name}`);
    tab.setAttribute('aria-selected', String(name === view));
    tab.tabIndex = name === view ? 0 : -1;
    byId(`view-${name}`).hidden = name !== view;
  }
  // The frame is loaded only when it is shown, and without adding an entry to the history.
  byId('view-html').contentWindow.location.replace(view === 'html' ? `/view/${open}.html?embed=1` : 'about:blank');
  if (view === 'source') {
    const id = open;
    const source = await (await request(`/api/v1/message/${id}/raw`)).text();
    if (open === id) byId('view-source').textContent = source;
  }
}

// Actions ----------------------------------------------------------------------------------------------

async function deleteMails(ids) {
  const body = ids ? JSON.stringify({ IDs: ids }) : undefined;
  await request('/api/v1/messages', { method: 'DELETE', headers: { 'Content-Type': 'application/json' }, body });
  await refresh();
}

async function deleteOpen() {
  const at = mails.findIndex((mail) => mail.ID === open);
  const next = (mails[at + 1] ?? mails[at - 1])?.ID;
  const gone = open;
  location.replace(next && chosenId() ? `#/${next}` : '#/');
  await deleteMails([gone]);
}

function move(step) {
  const at = mails.findIndex((mail) => mail.ID === open);
  const next = mails[at === -1 ? 0 : at + step];
  if (!next) return;
  location.hash = `#/${next.ID}`;
  document.querySelector(`#list a[data-id="${next.ID}"]`)?.focus();
}

for (const view of views) {
  byId(`tab-${view}`).addEventListener('click', () => {
    localStorage.setItem('view', view);
    showView(view);
  });
}
byId('tabs').addEventListener('keydown', (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const tabs = views.map((view) => byId(`tab-${view}`)).filter((tab) => !tab.hidden);
  const next = tabs[(tabs.indexOf(event.target) + step + tabs.length) % tabs.length];
  next.focus();
  next.click();
});
byId('copy').addEventListener('click', () => copy(byId('code').textContent, byId('copy')));
byId('copy-example').addEventListener('click', () => copy(byId('example').textContent, byId('copy-example')));
byId('delete').addEventListener('click', deleteOpen);
byId('delete-all').addEventListener('click', () => {
  byId('confirm-text').textContent = total === 1 ? 'Delete the only mail?' : `Delete all ${total} mails?`;
  byId('confirm').showModal();
});
byId('confirm-no').addEventListener('click', () => byId('confirm').close());
byId('confirm-yes').addEventListener('click', async () => {
  byId('confirm').close();
  location.replace('#/');
  await deleteMails(null);
});
byId('search').addEventListener('input', refresh);
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || byId('confirm').open) return;
  if (event.target === byId('search')) {
    if (event.key === 'Escape') { byId('search').value = ''; byId('search').blur(); refresh(); }
    return;
  }
  const inTabs = event.target.closest?.('.tabs, pre');
  const action = {
    '/': () => byId('search').focus(),
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: inTabs ? null : () => move(1),
    ArrowUp: inTabs ? null : () => move(-1),
    c: () => !byId('code-card').hidden && byId('copy').click(),
    Delete: () => open && deleteOpen(),
  }[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});
window.addEventListener('hashchange', () => {
  follow = chosenId() === null;
  chooseMail();
});
wide.addEventListener('change', chooseMail);

// Live -------------------------------------------------------------------------------------------------

function showStatus(text, className) {
  byId('status').textContent = text;
  byId('status').className = `status ${className}`;
}

function listen() {
  const events = new EventSource('/events');
  events.onopen = () => { showStatus('Live', 'live'); refresh(); };
  events.addEventListener('arrived', refresh);
  events.addEventListener('altered', refresh);
  events.onerror = () => {
    showStatus('Reconnecting…', 'lost');
    // The browser reconnects by itself unless the response was an error.
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
  };
}

async function introduce() {
  const about = await (await request('/about.json')).json();
  byId('smtp').textContent = about.smtp;
  byId('example').textContent = about.example ?? '';
  byId('example-box').hidden = !about.example;
}

follow = chosenId() === null;
introduce();
refresh();
listen();
