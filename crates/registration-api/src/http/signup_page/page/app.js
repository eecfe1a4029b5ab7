// Leads from an address and a password over the code to an active account. The password is kept in memory only.

import * as countdown from './countdown.js';
import { send } from './api.js';
import { solve } from './proof.js';
import { label, say, switchTo } from './texts.js';

const byId = (id) => document.getElementById(id);
const steps = ['register', 'code-step', 'done'].map(byId);
const [registerForm, codeForm] = ['register-form', 'code-form'].map(byId);
const [email, password, code] = ['email', 'password', 'code'].map(byId);

let account = null;           // Whose code is being waited for.
let registrationLost = false; // A registration was sent whose answer never came: it may have been made.

// One step after another ---------------------------------------------------------------------------------

function show(step, focus) {
  for (const other of steps) other.inert = other !== step;
  focus.focus();
}

function askForCode(text) {
  account = typed();
  showPassword(false);
  code.value = '';
  reset(codeForm);
  say(byId('sent'), text, account);
  show(steps[1], code);
}

function waitForCode() {
  countdown.start(() => say(byId('code-message'), 'time_over'));
}

function finish() {
  countdown.stop();
  say(byId('active'), 'active', { email: account.email });
  registerForm.reset();
  codeForm.reset();
  account = null;
  show(steps[2], byId('done-heading'));
}

// What the forms do --------------------------------------------------------------------------------------

const messageOf = (form) => form.parentElement.querySelector('.message');
const typed = () => ({ email: email.value.trim(), password: password.value });

// The proof of work, where the service asks for one. Without a challenge the answer to the registration says why.
async function prove() {
  if (!('challenge' in document.documentElement.dataset)) return {};
  const { ok, answer } = await send('challenge');
  return ok ? { proof_of_work: await solve(answer) } : {};
}

async function register() {
  let answer = await send('register', { ...typed(), ...await prove() });
  if (registrationLost && answer.code === 'email-taken') {
    const resent = await send('resend-code', null, typed());
    if (resent.ok) answer = resent;
  }
  registrationLost = answer.code === 'offline';
  if (!answer.ok) return report(answer, registerForm);
  askForCode(answer.status === 202 ? 'maybe_sent' : 'sent');
  waitForCode();
}

async function activate() {
  const answer = await send('activate', { code: code.value }, account);
  if (answer.ok || answer.code === 'already-active') finish();
  else report(answer, codeForm);
}

async function resend() {
  const answer = await send('resend-code', null, account);
  if (answer.code === 'already-active') return finish();
  if (!answer.ok) return report(answer, codeForm);
  code.value = '';
  say(byId('code-message'), answer.status === 202 ? 'maybe_resent' : 'resent');
  waitForCode();
  code.focus();
}

function showPassword(shown) {
  password.type = shown ? 'text' : 'password';
  say(byId('show'), shown ? 'hide' : 'show');
  label(byId('show'), shown ? 'hide_password' : 'show_password');
}

function enterCode() {
  reset(registerForm);
  const empty = [email, password].filter((field) => !field.value.trim());
  empty.forEach((field) => complain(field, 'missing'));
  if (empty.length) empty[0].focus();
  else askForCode('enter_code');
}

function startOver() {
  countdown.stop();
  account = null;
  reset(registerForm);
  show(steps[0], email);
}

// What went wrong ----------------------------------------------------------------------------------------

const BESIDE = { 'email-taken': email, 'code-invalid': code, 'code-expired': code };

// Each error beside its field, or else below the form.
function report(answer, form) {
  const errors = answer.errors.map((error) => [byId(error.pointer.slice(1)), error]);
  if (BESIDE[answer.code]) errors.push([BESIDE[answer.code], answer]);
  const beside = errors.filter(([field]) => field && form.contains(field));
  for (const [field, error] of beside) complain(field, error.code, error.detail);
  if (beside.length) return beside[0][0].focus();
  const message = messageOf(form);
  message.classList.add('refused');
  sayKnown(message, answer.code ?? 'unexpected', answer.detail, { wait: answer.wait || 1 });
}

function complain(field, key, detail) {
  field.setAttribute('aria-invalid', 'true');
  sayKnown(byId(`${field.id}-note`), key, detail);
}

// By its code, in the page's words; what the page has no words for, in the server's.
function sayKnown(element, key, detail, values) {
  say(element, key, values);
  if (element.textContent === key) say(element, detail ?? 'unexpected');
}

function reset(form) {
  for (const field of form.querySelectorAll('input')) {
    field.removeAttribute('aria-invalid');
    const note = byId(`${field.id}-note`);
    say(note, note.dataset.hint);
  }
  messageOf(form).classList.remove('refused');
  say(messageOf(form), '');
}

// Buttons ------------------------------------------------------------------------------------------------

// Runs one task at a time. The button keeps the focus, which one that is disabled would lose.
let busy = false;
async function run(task, form, button) {
  if (busy) return;
  busy = true;
  button.setAttribute('aria-disabled', 'true');
  reset(form);
  try {
    await task();
  } finally {
    busy = false;
    button.removeAttribute('aria-disabled');
  }
}

for (const [form, task] of [[registerForm, register], [codeForm, activate]]) {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    run(task, form, form.querySelector('[type=submit]'));
  });
}
byId('resend').addEventListener('click', (event) => run(resend, codeForm, event.target));
byId('have-code').addEventListener('click', enterCode);
byId('start-over').addEventListener('click', startOver);
byId('show').addEventListener('click', () => showPassword(password.type === 'password'));
for (const link of document.querySelectorAll('nav a')) {
  link.addEventListener('click', (event) => {
    event.preventDefault();
    document.querySelector('nav [aria-current]')?.removeAttribute('aria-current');
    link.setAttribute('aria-current', 'true');
    history.replaceState(null, '', link.href);
    switchTo(link.lang);
  });
}
