// What scripts add to pages that work without: times of the visitor's own zone, shown and typed, holds that count down, forms that
// are sent once.

const ownTime = new Intl.DateTimeFormat('en-GB', {
  weekday: 'short', day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', timeZoneName: 'short',
});

function showOwnTimes(within) {
  for (const time of within.querySelectorAll('time[datetime]')) {
    time.title = time.textContent;
    time.textContent = ownTime.format(new Date(time.dateTime));
  }
}

// By how long the page is there, not by the clock of this machine, which may be wrong.
function countDown(element) {
  const endsAt = performance.now() + Number(element.dataset.secondsLeft) * 1000;
  const tick = () => {
    const left = Math.max(0, Math.ceil((endsAt - performance.now()) / 1000));
    element.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
    element.classList.toggle('urgent', left <= 60);
    if (left > 0) return;
    clearInterval(ticking);
    // The server says what became of it. It may be a moment behind.
    setTimeout(() => location.reload(), 1000);
  };
  const ticking = setInterval(tick, 1000);
  tick();
}

// A field of a time holds UTC, and so does what is sent. People see and type their own time.
function typeOwnTime(input) {
  // As such a field has it: without seconds if they are none, and without a zone.
  const written = (at) => at.toISOString().replace(/(:00)?\.000Z$|Z$/, '');
  const given = new Date(`${input.defaultValue}Z`);
  const own = new Date(given.getTime() - given.getTimezoneOffset() * 60_000);
  // What else a browser has put back there is the visitor's own already.
  if (input.value && new Date(`${input.value}Z`).getTime() === given.getTime()) input.value = written(own);
  const shown = input.value;
  const hint = document.getElementById(`${input.id}-hint`);
  const zone = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'longGeneric' }).formatToParts(given.getTime() ? given : new Date());
  if (hint) hint.textContent = hint.textContent.replace('In UTC', `In ${zone.find(({ type }) => type === 'timeZoneName').value}`);
  input.form.addEventListener('formdata', ({ formData }) => {
    const typed = new Date(input.value);
    // Where clocks are put back, an hour is there twice: what nobody touched stays the one that it was.
    if (input.value === shown) formData.set(input.name, input.defaultValue);
    else if (!Number.isNaN(typed.getTime())) formData.set(input.name, written(typed));
  });
}

for (const form of document.querySelectorAll('form[method="post"]')) {
  form.addEventListener('submit', (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = 'yes';
  });
}
// Back from another page, a form may be sent again; the server knows whether it was before. What was held may be gone.
addEventListener('pageshow', (event) => {
  if (!event.persisted) return;
  for (const form of document.forms) delete form.dataset.sent;
  if (document.querySelector('[data-seconds-left]')) location.reload();
});

showOwnTimes(document);
document.querySelectorAll('input[type="datetime-local"]').forEach(typeOwnTime);
document.querySelectorAll('[data-seconds-left]').forEach(countDown);
document.addEventListener('htmx:afterSwap', () => showOwnTimes(document.getElementById('live') ?? document));
