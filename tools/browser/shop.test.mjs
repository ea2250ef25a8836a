// Buying, as people do it: with and without scripts, by the keyboard, in two tabs, twice, too late, and when an answer is lost.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';

import { hold, register } from './people.mjs';
import { API, book, call, event, somebody, withBrowser } from './world.mjs';

const left = async (id) => (await (await fetch(`${API}/events/${id}`)).json()).available;
const heading = (page) => page.getByRole('heading', { level: 1 }).textContent();

for (const javaScriptEnabled of [true, false]) {
  test(`somebody new buys two places and cancels them, scripts ${javaScriptEnabled ? 'on' : 'off'}`, async () => {
    const id = await event({ name: `Bought by hand ${javaScriptEnabled}` });
    await withBrowser({ javaScriptEnabled }, async (browser) => {
      const page = await browser.newPage();
      await page.goto(API);
      await page.getByLabel('Name or venue').fill(`hand ${javaScriptEnabled}`);
      await page.getByRole('button', { name: 'Search' }).click();
      await page.getByRole('link', { name: `Bought by hand ${javaScriptEnabled}` }).click();
      await page.getByLabel('Places').selectOption('2');
      await page.getByRole('button', { name: /^Hold/ }).click();
      await page.getByRole('link', { name: 'Register' }).last().click();
      await page.getByLabel('Email').fill(`new-${javaScriptEnabled}-${Date.now()}@example.com`);
      await page.getByLabel('Password').fill('correct horse battery');
      await page.getByRole('button', { name: 'Register' }).click();
      assert.equal(await page.getByLabel('Places').inputValue(), '2', 'what was chosen is chosen still');
      await page.getByRole('button', { name: /^Hold/ }).click();
      assert.equal(await heading(page), 'Held for you');
      assert.equal(await left(id), 98);
      await page.getByRole('button', { name: 'Book these places' }).click();
      await page.getByText('Booked: 2 places').waitFor();
      await page.getByRole('link', { name: 'My bookings' }).first().click();
      await page.getByRole('link', { name: `Bought by hand ${javaScriptEnabled}` }).click();
      await page.getByText('Cancel this booking').click();
      await page.getByRole('button', { name: 'Cancel the booking' }).click();
      await page.getByText('The booking is cancelled.').waitFor();
      assert.equal(await left(id), 100);
    });
  });
}

test('the keyboard alone buys', async () => {
  const id = await event({ name: 'Bought by keys' });
  await withBrowser({}, async (browser) => {
    const page = await browser.newPage();
    await register(page, API);
    await page.goto(`${API}/shop/events/${id}`);
    const to = async (locator) => {
      for (let pressed = 0; pressed < 40; pressed++) {
        if (await locator.evaluate((element) => element === document.activeElement)) return;
        await page.keyboard.press('Tab');
      }
      assert.fail(`no Tab leads to ${locator}`);
    };
    await page.keyboard.press('Tab');
    const skip = page.getByRole('link', { name: 'Skip to the content' });
    assert.ok(await skip.evaluate((element) => element === document.activeElement), 'the first Tab is to skip');
    await page.keyboard.press('Enter');
    await to(page.getByLabel('Places'));
    await page.keyboard.press('ArrowDown');
    await to(page.getByRole('button', { name: /^Hold/ }));
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Held for you' }).waitFor();
    await to(page.getByRole('button', { name: 'Book these places' }));
    await page.keyboard.press('Enter');
    await page.getByText('Booked: 2 places').waitFor();
  });
});

test('seats that go are seen by who looks, without a reload', async () => {
  const [id, ada] = [await event({}), await somebody()];
  await withBrowser({}, async (browser) => {
    const page = await browser.newPage();
    await page.goto(`${API}/shop/events/${id}`);
    await page.getByText('100 places left').waitFor();
    await page.getByLabel('Places').selectOption('3');
    await book(ada, id, 2);
    await page.getByText('98 places left').waitFor();
    assert.equal(await page.getByLabel('Places').inputValue(), '3', 'what somebody chose stays chosen');
    await book(ada, id, 1);
    await page.getByText('97 places left').waitFor();
  });
});

test('a double click and two tabs hold once each, and book once', async () => {
  const id = await event({ max_per_user: 10 });
  await withBrowser({}, async (browser) => {
    const [one, two] = [await browser.newPage(), await browser.newPage()];
    await register(one, API);
    for (const page of [one, two]) await page.goto(`${API}/shop/events/${id}`);
    await one.getByRole('button', { name: /^Hold/ }).dblclick();
    await one.getByRole('heading', { name: 'Held for you' }).waitFor();
    assert.equal(await left(id), 99);
    await two.getByRole('button', { name: /^Hold/ }).click();
    await two.getByRole('heading', { name: 'Held for you' }).waitFor();
    assert.equal(await left(id), 98);
    const same = await browser.newPage();
    await same.goto(one.url());
    for (const page of [one, same]) await page.getByRole('button', { name: 'Book these places' }).dblclick();
    for (const page of [one, same]) await page.locator('.good', { hasText: 'Booked' }).waitFor();
    assert.equal(one.url(), same.url());
    assert.equal(await left(id), 98);
  });
});

test('back at the form, sending it again leads to the same hold', async () => {
  const id = await event({});
  await withBrowser({}, async (browser) => {
    const page = await browser.newPage();
    await register(page, API);
    await hold(page, API, id, 1);
    const held = page.url();
    await page.goBack();
    await page.getByRole('button', { name: /^Hold/ }).click();
    await page.getByRole('heading', { name: 'Held for you' }).waitFor();
    // A browser that asked for the page anew has another form: another hold. None is lost, and both are listed.
    await page.goto(`${API}/shop/holds`);
    const holds = await page.locator('.card').count();
    assert.equal(await left(id), 100 - holds);
    await page.goto(held);
    await page.getByRole('button', { name: 'Give them back' }).click();
    await page.getByText('You gave these places back.').waitFor();
    await page.goBack();
    assert.notEqual(await heading(page), 'Held for you', 'what was given back is not shown as held');
  });
});

test('an answer that gets lost is had by trying again', async () => {
  const id = await event({});
  await withBrowser({}, async (browser) => {
    const page = await browser.newPage();
    await register(page, API);
    await hold(page, API, id, 2);
    let lost = 0;
    await page.route('**/confirm', async (route) => {
      if (lost++ > 0) return route.continue();
      await route.fetch({ maxRedirects: 0 });
      await route.abort('connectionreset');
    });
    await page.getByRole('button', { name: 'Book these places' }).click();
    await page.waitForTimeout(1_000);
    await page.goto(`${API}/shop/holds`);
    await page.getByText('You hold no places right now.').waitFor();
    await page.goto(`${API}/shop/bookings`);
    await page.getByText(/2 places/).waitFor();
    assert.equal(await left(id), 98);
  });
});

test('of two buyers one gets the last place, and the other is told what to do', async () => {
  const id = await event({ capacity: 1 });
  await withBrowser({}, async (first) => {
    await withBrowser({}, async (second) => {
      const pages = [await first.newPage(), await second.newPage()];
      for (const page of pages) await register(page, API);
      for (const page of pages) await page.goto(`${API}/shop/events/${id}`);
      await Promise.all(pages.map((page) => page.getByRole('button', { name: /^Hold/ }).click()));
      const titles = await Promise.all(pages.map(async (page) => (await page.locator('h1').textContent()).trim()));
      assert.equal(titles.filter((title) => title === 'Held for you').length, 1, titles.join());
      const loser = pages[titles.indexOf('Held for you') === 0 ? 1 : 0];
      await loser.getByText('Others hold the last places right now').waitFor();
    });
  });
});

test('a hold counts down, by the server’s clock, and says when it ran out', async () => {
  const id = await event({ capacity: 1 });
  await withBrowser({}, async (browser) => {
    const page = await browser.newPage();
    // This machine's clock is a day wrong, and stands still; what is left is right all the same.
    await page.clock.setFixedTime(Date.now() + 24 * 3_600_000);
    await register(page, API);
    await hold(page, API, id, 1);
    const seconds = async () => {
      const [minutes, rest] = (await page.getByRole('timer').textContent()).split(':').map(Number);
      return minutes * 60 + rest;
    };
    const before = await seconds();
    assert.ok(before > 10 && before <= Number(process.env.HOLD_SECONDS), `${before} s left`);
    await page.waitForTimeout(3_000);
    const after = await seconds();
    assert.ok(after <= before - 2 && after >= before - 8, `${before} s, then ${after} s left`);
    // The page asks by itself what became of it.
    await page.getByText('Your time ran out.').waitFor({ timeout: Number(process.env.HOLD_SECONDS) * 1_000 + 10_000 });
    // The next one has it.
    await book(await somebody(), id, 1);
  });
});

/** A hall of rows, at the front `A`, of so many seats each. */
const hall = async (changes = {}, seats = 10, names = 'ABC') => {
  const rows = [...names].map((name) => ({ name, seats }));
  return event({ name: 'Hall', capacity: undefined, base_price: undefined, areas: [{ id: 'hall', name: 'Hall', base_price: 4_500, rows }], ...changes });
};
const take = (token, id, seats) => call('POST', `/events/${id}/book`, token, { area: 'hall', seats }, { 'idempotency-key': randomUUID() });
const seat = (page, name) => page.locator(`input[value="${name}"]`);
/** How many seats the map shows with that look. */
const drawn = (page, look) =>
  page.locator(`.seat-map .seats-${look}`).evaluate((path) =>
    [...path.getAttribute('d').matchAll(/h(\d+)/g)].reduce((sum, [, long]) => sum + (Number(long) + 1) / 4, 0),
  );

for (const javaScriptEnabled of [true, false]) {
  test(`of two who tick the same seat one gets it, and the other is offered its neighbours, scripts ${javaScriptEnabled ? 'on' : 'off'}`, async () => {
    const id = await hall();
    await withBrowser({ javaScriptEnabled }, async (first) => {
      await withBrowser({ javaScriptEnabled }, async (second) => {
        const pages = [await first.newPage(), await second.newPage()];
        for (const page of pages) await register(page, API);
        for (const page of pages) {
          await page.goto(`${API}/shop/events/${id}`);
          await page.getByRole('link', { name: 'Choose your seats' }).click();
          for (const name of ['B-5', 'B-6']) await seat(page, name).check();
        }
        await Promise.all(pages.map((page) => page.getByRole('button', { name: 'Hold these seats' }).click()));
        const titles = await Promise.all(pages.map(heading));
        assert.equal(titles.filter((title) => title === 'Held for you').length, 1, titles.join());
        const loser = pages[titles.indexOf('Held for you') === 0 ? 1 : 0];
        await loser.getByText('Somebody else has B-5, B-6 or holds them right now.').waitFor();
        const offered = await loser.locator('input[data-at]:checked').evaluateAll((boxes) => boxes.map((box) => box.value));
        assert.deepEqual(offered, ['B-3', 'B-4']);
        await loser.getByRole('button', { name: 'Hold these seats' }).click();
        await loser.getByRole('heading', { name: 'Held for you' }).waitFor();
        await loser.getByText('B-3, B-4').waitFor();
      });
    });
  });

  test(`seats of rows far apart are held together, scripts ${javaScriptEnabled ? 'on' : 'off'}`, async () => {
    const id = await hall({}, 200, 'ABCDE');
    await withBrowser({ javaScriptEnabled }, async (browser) => {
      const page = await browser.newPage();
      await register(page, API);
      await page.goto(`${API}/shop/events/${id}/seats`);
      await seat(page, 'A-100').check();
      if (!javaScriptEnabled) await page.getByRole('button', { name: 'Keep these, and look at other rows' }).click();
      await page.getByRole('link', { name: 'Row E' }).click();
      assert.ok(await seat(page, 'A-100').isChecked(), 'what was ticked came along');
      await seat(page, 'E-7').check();
      await page.getByRole('button', { name: 'Hold these seats' }).click();
      await page.getByText('A-100, E-7').waitFor();
    });
  });
}

test('a seat that somebody else takes can be ticked no more, without a reload, and comes back', async () => {
  const [id, ada] = [await hall({ max_per_booking: 3 }), await somebody()];
  await withBrowser({}, async (browser) => {
    const page = await browser.newPage();
    await page.goto(`${API}/shop/events/${id}/seats`);
    for (const name of ['A-1', 'A-4', 'A-5']) await seat(page, name).check();
    const said = page.getByRole('status');
    // One more than can be held is not ticked.
    await seat(page, 'A-6').click();
    await said.getByText('You can hold 3 at once').waitFor();
    assert.equal(await seat(page, 'A-6').isChecked(), false);
    assert.deepEqual([await drawn(page, 'free'), await drawn(page, 'yours')], [30, 3]);
    const { reservation } = await take(ada, id, ['A-4', 'A-7']);
    await said.getByText('A-4 was taken by somebody else meanwhile.').waitFor();
    assert.deepEqual([await seat(page, 'A-4').isDisabled(), await seat(page, 'A-7').isDisabled()], [true, true]);
    assert.deepEqual([await seat(page, 'A-4').isChecked(), await seat(page, 'A-5').isChecked()], [false, true], 'the others stay');
    assert.deepEqual([await drawn(page, 'free'), await drawn(page, 'yours')], [28, 2]);
    await fetch(`${API}/reservations/${reservation.id}`, { method: 'DELETE', headers: { authorization: `Bearer ${ada}` } });
    await page.waitForFunction(() => !document.querySelector('input[value="A-4"]').disabled);
    assert.equal(await drawn(page, 'free'), 30);
  });
});

test('a page out of sight asks nothing, and one that is told to wait waits', async () => {
  const id = await hall();
  await withBrowser({}, async (browser) => {
    const page = await browser.newPage();
    let asked = 0;
    let status = 200;
    await page.route('**/events/*/seats?area=hall', async (route) => {
      if (!new URL(route.request().url()).pathname.startsWith('/events/')) return route.continue();
      asked += 1;
      return status === 200 ? route.continue() : route.fulfill({ status, headers: { 'retry-after': '30' }, body: '{}' });
    });
    await page.goto(`${API}/shop/events/${id}/seats`);
    const hide = (hidden) =>
      page.evaluate((hidden) => {
        Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      }, hidden);
    await page.waitForTimeout(6_500);
    assert.equal(asked, 2, 'at once, and after 5 s');
    await hide(true);
    await page.waitForTimeout(6_500);
    assert.equal(asked, 2);
    status = 429;
    await hide(false);
    await page.waitForTimeout(7_000);
    assert.equal(asked, 3, 'told to wait for 30 s');
  });
});

test('the keyboard alone chooses seats', async () => {
  const id = await hall({ rates: [{ id: 'full', name: 'Full price', percent: 100 }, { id: 'child', name: 'Up to 14', percent: 50 }] });
  await withBrowser({}, async (browser) => {
    const page = await browser.newPage();
    await register(page, API);
    await page.goto(`${API}/shop/events/${id}/seats`);
    await page.getByRole('link', { name: 'Hall' }).focus();
    // The map is for the mouse: the next stop is the first seat.
    await page.keyboard.press('Tab');
    await page.keyboard.press('Space');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Space');
    assert.ok((await seat(page, 'A-1').isChecked()) && (await seat(page, 'A-2').isChecked()));
    await page.getByLabel('Up to 14').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Held for you' }).waitFor();
    await page.getByText('1 × Full price, 1 × Up to 14').waitFor();
  });
});
