// Seats are live, and so is what a browser shows of them, although it may keep it for a moment.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { API, PAGE, book, event, somebody, withBrowser, withPage } from './world.mjs';

/** `max-age` and `stale-while-revalidate` of an event, and time to ask. */
const FRESH_AGAIN_AFTER_MS = 8_000;

/** A shop's page: it asks for an event each second, and shows how many seats are left and how often it asked. */
const shop = (id) => `<!doctype html><title>Shop</title><p id="available"></p><p id="looks">0</p><script>
  const show = async () => {
    const event = await (await fetch('${API}/events/${id}')).json();
    document.getElementById('available').textContent = event.available;
    document.getElementById('looks').textContent++;
  };
  show();
  setInterval(show, 1000);
</script>`;

const text = (page, id) => page.locator(`#${id}`).textContent();
const shows = async (page, available) =>
  page.waitForFunction(
    (expected) => document.getElementById('available').textContent === String(expected),
    available,
    { timeout: FRESH_AGAIN_AFTER_MS },
  );

test('a page that asks each second sees seats go', async () => {
  const [id, ada] = [await event(), await somebody()];
  await withPage(shop(id), () =>
    withBrowser(async (browser) => {
      const page = await browser.newPage();
      await page.goto(PAGE);
      await shows(page, 100);
      await book(ada, id, 2);
      await shows(page, 98);
      await book(ada, id, 3);
      await shows(page, 95);
      assert.ok(Number(await text(page, 'looks')) >= 2, 'it asked more than once');
    }),
  );
});

const seen = async (page) => JSON.parse(await page.locator('body').innerText()).available;

test('a reload shows seats as they are', async () => {
  const [id, ada] = [await event(), await somebody()];
  await withBrowser(async (browser) => {
    const page = await browser.newPage();
    await page.goto(`${API}/events/${id}`);
    assert.equal(await seen(page), 100);
    await book(ada, id, 2);
    await sleep(1_100);
    await page.reload();
    assert.equal(await seen(page), 98);
    await book(ada, id, 3);
    await page.reload();
    assert.equal(await seen(page), 95, 'a reload does not even wait for a second');
  });
});

test('a second visit shows seats as they are, and one without a change is answered without a body', async () => {
  const [id, ada] = [await event(), await somebody()];
  await withBrowser(async (browser) => {
    const page = await browser.newPage();
    const visit = async () => {
      await page.goto('about:blank');
      await page.goto(`${API}/events/${id}`);
      return seen(page);
    };
    assert.equal(await visit(), 100);
    await book(ada, id, 2);
    await sleep(FRESH_AGAIN_AFTER_MS);
    assert.equal(await visit(), 98);

    const network = await browser.newCDPSession(page);
    await network.send('Network.enable');
    const statuses = [];
    network.on('Network.responseReceivedExtraInfo', ({ statusCode }) => statuses.push(statusCode));
    await sleep(FRESH_AGAIN_AFTER_MS);
    assert.equal(await visit(), 98);
    assert.deepEqual(statuses, [304]);
  });
});
