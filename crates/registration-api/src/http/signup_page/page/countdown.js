// The minute of a code, as it runs down. The server decides: its minute starts when the mail is accepted, a moment
// later than this one at the earliest.

const length = Number(document.documentElement.dataset.window);
const time = document.getElementById('time');
const progress = document.getElementById('progress');
let timer;

// Starts afresh, and calls `over` once at the end.
export function start(over) {
  stop();
  const end = Date.now() + length * 1000;
  const tick = () => {
    const left = Math.max(0, end - Date.now());
    show(Math.ceil(left / 1000), left / (length * 1000));
    if (left > 0) timer = setTimeout(tick, left % 1000 || 1000);
    else over();
  };
  tick();
}

export function stop() {
  clearTimeout(timer);
  time.textContent = '';
  progress.value = 0;
}

function show(seconds, share) {
  time.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
  progress.value = share;
}
