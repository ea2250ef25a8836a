// Running events, as admins do it: making one, changing it, watching it sell, and calling it off, with and without scripts.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { sign_in_as_admin } from './people.mjs';
import { API, admin, call, event, sell, somebody, withBrowser } from './world.mjs';

const in_days = (days) => new Date(Date.now() + days * 24 * 3_600_000);
const idOf = (page) => new URL(page.url()).pathname.split('/')[3];
const seen = async (id) => call('GET', `/admin/events/${id}`, await admin());

/** A time as a field of it has it, in the visitor's own zone, or in UTC. */
const minutes = (at) => at.toISOString().slice(0, 16);

for (const javaScriptEnabled of [true, false]) {
  test(`an event is made, published, changed and cancelled, scripts ${javaScriptEnabled ? 'on' : 'off'}`, async () => {
    await withBrowser({ javaScriptEnabled }, async (browser) => {
      const page = await browser.newPage();
      await sign_in_as_admin(page, API);
      await page.getByRole('link', { name: 'Console' }).click();
      await page.getByRole('link', { name: 'New event' }).click();
      await page.getByLabel('Name').fill('Night of Stars');
      await page.getByLabel('Starts').fill(minutes(in_days(30)));
      await page.getByLabel('Places', { exact: true }).fill('80');
      await page.getByLabel('Price of a place').fill('12.50');
      await page.getByRole('button', { name: 'Save as a draft' }).click();
      await page.getByText('It is saved as a draft').waitFor();
      const id = idOf(page);
      assert.equal((await seen(id)).status, 'draft');
      await page.getByRole('button', { name: 'Publish' }).dblclick();
      await page.getByText('People see it, and buy').waitFor();

      await sell(await somebody(), id, 3);
      await page.goto(`${API}/console/events/${id}`);
      await page.locator('.good', { hasText: /^none$/ }).waitFor();
      await page.getByText('As a table').first().click();
      await page.getByRole('cell', { name: '37.50 EUR' }).waitFor();

      await page.getByRole('link', { name: 'Edit' }).click();
      await page.getByLabel('Places', { exact: true }).fill('120');
      await page.getByLabel('Let the price follow demand').check();
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByText('Saved.').waitFor();
      const { capacity, pricing, base_price } = await seen(id);
      assert.deepEqual({ capacity, pricing, base_price }, { capacity: 120, pricing: { min_percent: 80, max_percent: 150 }, base_price: 1_250 });

      await page.getByRole('link', { name: 'Bookings', exact: true }).click();
      await page.getByRole('cell', { name: '@example.com' }).waitFor();
      await page.getByRole('link', { name: 'The event' }).click();
      await page.getByText('Cancel this event').click();
      await page.getByRole('button', { name: 'Cancel the event' }).click();
      await page.getByText('It is cancelled, and people see that.').waitFor();
      assert.equal((await seen(id)).status, 'cancelled');
      await page.locator('.actions').getByRole('link', { name: 'Audit trail' }).click();
      await page.getByText('status: published → cancelled').waitFor();
    });
  });
}

test('times are typed and shown in the own zone, and a time that is left alone stays to the millisecond', async () => {
  const starts_at = '2031-06-12T18:30:15.250Z';
  const id = await event({ starts_at });
  await withBrowser({ timezoneId: 'America/New_York' }, async (browser) => {
    const page = await browser.newPage();
    await sign_in_as_admin(page, API);
    await page.goto(`${API}/console/events/${id}/edit`);
    assert.equal(await page.getByLabel('Starts').inputValue(), '2031-06-12T14:30:15.25');
    await page.getByText('In Eastern Time.').first().waitFor();
    await page.getByLabel('Name').fill('Renamed');
    // In winter, by another offset.
    await page.getByLabel('Sales open').fill('2031-01-10T09:00');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved.').waitFor();
    const now = await seen(id);
    assert.deepEqual([now.name, now.starts_at, now.sales_open_at], ['Renamed', starts_at, '2031-01-10T14:00:00.000Z']);
    // What was refused is shown again as it was typed.
    await page.goto(`${API}/console/events/${id}/edit`);
    await page.getByLabel('Ends').fill('2031-06-12T13:00');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Ends must be after “Starts”.').waitFor();
    assert.equal(await page.getByLabel('Ends').inputValue(), '2031-06-12T13:00');
  });
});

test('where clocks are put back, what nobody touched stays the hour that it was', async () => {
  // At 01:30, for the second time in that night.
  const id = await event({ starts_at: '2031-11-02T06:30:00.000Z' });
  await withBrowser({ timezoneId: 'America/New_York' }, async (browser) => {
    const page = await browser.newPage();
    await sign_in_as_admin(page, API);
    await page.goto(`${API}/console/events/${id}/edit`);
    assert.equal(await page.getByLabel('Starts').inputValue(), '2031-11-02T01:30');
    await page.getByLabel('Venue').fill('Hall');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved.').waitFor();
    const { venue, starts_at } = await seen(id);
    assert.deepEqual([venue, starts_at], ['Hall', '2031-11-02T06:30:00.000Z']);
  });
});

test('the keyboard alone makes an event', async () => {
  await withBrowser({}, async (browser) => {
    const page = await browser.newPage();
    await sign_in_as_admin(page, API);
    await page.goto(`${API}/console/events/new`);
    await page.getByLabel('Name').focus();
    await page.keyboard.type('Made by keys');
    await page.getByLabel('Starts').fill(minutes(in_days(20)));
    await page.getByLabel('Places', { exact: true }).focus();
    await page.keyboard.type('10');
    // Enter does what can be taken back: it saves a draft.
    await page.keyboard.press('Enter');
    await page.getByText('It is saved as a draft').waitFor();
  });
});

test('two admins who change an event at once lose nothing of each other', async () => {
  const id = await event({ name: 'Of two' });
  await withBrowser({}, async (browser) => {
    const [one, two] = [await browser.newPage(), await browser.newPage()];
    await sign_in_as_admin(one, API);
    for (const page of [one, two]) await page.goto(`${API}/console/events/${id}/edit`);
    await one.getByLabel('Name').fill('Of one');
    await one.getByRole('button', { name: 'Save' }).click();
    await one.getByText('Saved.').waitFor();
    await two.getByLabel('Places', { exact: true }).fill('150');
    await two.getByRole('button', { name: 'Save' }).click();
    await two.getByText('Somebody changed this event meanwhile.').waitFor();
    assert.equal((await seen(id)).capacity, 100);
    await two.getByText('Now it is: Of one').waitFor();
    assert.equal(await two.getByText('Now it is:').count(), 2, 'of what differs alone');
    await two.getByLabel('Name').fill('Of one');
    await two.getByRole('button', { name: 'Save' }).click();
    await two.getByText('Saved.').waitFor();
    const { name, capacity } = await seen(id);
    assert.deepEqual([name, capacity], ['Of one', 150]);
  });
});

for (const javaScriptEnabled of [true, false]) {
  test(`a hall is typed, looked at, made, made larger, and a seat leaves the sale and comes back, scripts ${javaScriptEnabled ? 'on' : 'off'}`, async () => {
    await withBrowser({ javaScriptEnabled }, async (browser) => {
      const page = await browser.newPage();
      await sign_in_as_admin(page, API);
      await page.goto(`${API}/console/events/new`);
      await page.getByLabel('Areas').fill('balcony rows 65.00 Balcony\n+ A 24 : 1,24\n+ B..D 20');
      // What else there is to fill in, nobody asks for yet.
      await page.getByRole('button', { name: 'Preview the halls' }).click();
      await page.getByRole('img', { name: 'Balcony: 4 rows, 84 seats' }).waitFor();
      await page.getByLabel('Name').fill('Hall by rows');
      await page.getByLabel('Starts').fill(minutes(in_days(30)));
      await page.getByRole('button', { name: 'Publish' }).click();
      await page.getByText('It is published.').waitFor();
      const id = idOf(page);

      await page.getByRole('link', { name: 'Balcony' }).click();
      await page.getByRole('img', { name: '4 rows, 84 seats: 84 free, 0 held or sold, 0 out of sale.' }).waitFor();
      await page.getByLabel('Rows to add').fill('E..F 10');
      await page.getByRole('button', { name: 'Preview' }).click();
      await page.getByText('With 2 new rows, which nobody has saved yet.').waitFor();
      assert.equal((await seen(id)).capacity, 84);
      await page.getByRole('button', { name: 'Add these rows' }).click();
      await page.getByText('2 rows are added.').waitFor();
      assert.equal((await seen(id)).capacity, 104);

      await page.getByLabel('Seats', { exact: true }).fill('A-7, A-8');
      await page.getByRole('button', { name: 'Take out of sale' }).click();
      await page.getByText('2 seats out of sale.').waitFor();
      assert.equal((await seen(id)).capacity, 102);
      await page.goto(`${API}/shop/events/${id}/seats`);
      assert.ok(await page.locator('input[value="A-7"]').isDisabled());
      await page.goto(`${API}/console/events/${id}/areas/balcony`);
      await page.getByLabel('Seats', { exact: true }).fill('A-7');
      await page.getByRole('button', { name: 'Bring back' }).click();
      await page.getByText('1 seat back on sale.').waitFor();
      await page.getByRole('img', { name: '103 free, 0 held or sold, 1 out of sale.' }).waitFor();
      await page.goto(`${API}/console/audit?event=${id}`);
      const trail = await page.locator('main').textContent();
      assert.equal(trail.match(/areas balcony:/g).length, 4, `made, larger, out, back: ${trail}`);
    });
  });
}
