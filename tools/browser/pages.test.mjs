// Every page, in light and dark, narrow and wide, with and without scripts: usable by everybody, from this host alone, small, and
// still while it loads. The list of pages is the router's: one without an entry here fails. PICTURES=folder keeps pictures.

import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { LONG_NAME, buy, hold, register, sign_in_as_admin } from './people.mjs';
import { API, admin, book, call, event, sell, somebody, withBrowser } from './world.mjs';

const PAGES = process.env.PAGES.trim().split('\n');
const AXE = await readFile(join(process.env.MODULES, 'node_modules/axe-core/axe.min.js'), 'utf8');
const HTML_BYTES_MAX = 50 * 1024;

const in_days = (days) => new Date(Date.now() + days * 24 * 3_600_000).toISOString();

/** What each page is looked at with: where it is, by its name. `page` is somebody's who signed in. */
const LOOKS = {
  '/': () => ({ first: '/', 'nothing found': '/?q=nowhere', 'wrong days': '/?from=2031-02-01&to=2031-01-01', searched: '/?q=long' }),
  '/shop/events/{id}/seats': async () => {
    const rows = [...'ABCDEFGHIJKL'].map((name) => ({ name, seats: 40, accessible: ['1'] }));
    const areas = [{ id: 'hall', name: 'Hall', base_price: 4_500, rows: [...rows, { name: 'Box 1', seats: ['1', '2', 'x'] }] }];
    const hall = await event({ name: 'Theatre', capacity: undefined, base_price: undefined, areas });
    await book(await somebody(), hall, 4);
    const of = (what) => `/shop/events/${hall}/seats?area=hall${what}`;
    const rates = [{ id: 'full', name: 'Full price', percent: 100 }, { id: 'student', name: 'Students', percent: 60 }];
    const small = await event({
      name: 'Small', capacity: undefined, base_price: undefined, rates,
      areas: [{ id: 'hall', name: 'Hall', base_price: 4_500, rows: rows.slice(0, 3).map((row) => ({ ...row, seats: 9 })) }],
    });
    return {
      'first rows': of(''), 'last rows': of('&row=L'), 'taken by others': of('&chosen=A-20/A-21'), 'kept from other rows': of('&row=L&kept=A-4/A-5/C-7'),
      'small, at rates': `/shop/events/${small}/seats?kept=B-5`, 'large, in fragments': `/shop/events/${await fragments()}/seats?row=50`,
    };
  },
  '/shop/events/{id}': async () => {
    const [on_sale, long, sold_out, opening, cancelled] = [
      await event({ name: 'Summer Night', venue: 'Riverside Park', description: 'Two bands.\n\nBring a coat.', cancel_until: in_days(0.5) }),
      await event({ name: `long ${LONG_NAME}`.slice(0, 200), venue: LONG_NAME.slice(0, 200), base_price: 99_999_999, capacity: 999_999 }),
      await event({ name: 'Sold out', capacity: 1 }),
      await event({ name: 'Opening soon', sales_open_at: in_days(0.5) }),
      await event({ name: 'Cancelled' }),
    ];
    await book(await somebody(), sold_out, 1);
    const areas = [
      { id: 'floor', name: 'Floor', capacity: 500, base_price: 4_500 },
      { id: 'balcony', name: 'Balcony', capacity: 1, base_price: 7_900 },
      { id: 'boxes', name: LONG_NAME.slice(0, 200), capacity: 8, base_price: 99_999_999 },
    ];
    const rates = [{ id: 'full', name: 'Full price', percent: 100 }, { id: 'student', name: 'Students', percent: 60 }];
    const in_areas = await event({ name: 'Opera', capacity: undefined, base_price: undefined, areas, rates: undefined });
    const at_rates = await event({ name: 'Opera at rates', capacity: undefined, base_price: undefined, areas: areas.slice(0, 2), rates });
    await book(await somebody(), in_areas, 1, 'balcony');
    await change(cancelled, { status: 'cancelled' });
    const of = (id) => `/shop/events/${id}`;
    return {
      'on sale': of(on_sale), long: of(long), 'sold out': of(sold_out), opening: of(opening), cancelled: of(cancelled),
      'in areas': of(in_areas), 'in areas at rates': of(at_rates), unknown: of('0'),
    };
  },
  '/shop/holds': async (page) => {
    await hold(page, API, await event({ name: LONG_NAME }), 2);
    return { some: '/shop/holds' };
  },
  '/shop/holds/{id}': async (page) => {
    await hold(page, API, await event({ name: 'Held' }), 2);
    return { held: new URL(page.url()).pathname, unknown: '/shop/holds/0' };
  },
  '/shop/bookings': async (page) => {
    for (const name of ['Booked', LONG_NAME]) await buy(page, API, await event({ name }), 2);
    return { some: '/shop/bookings' };
  },
  '/shop/bookings/{id}': async (page) => {
    await buy(page, API, await event({ name: 'Booked', venue: 'Hall' }), 2);
    const booked = new URL(page.url()).pathname;
    await buy(page, API, await event({ name: LONG_NAME, venue: LONG_NAME }), 1);
    await page.getByText('Cancel this booking').click();
    await page.getByRole('button', { name: 'Cancel the booking' }).click();
    return { booked, cancelled: new URL(page.url()).pathname, unknown: '/shop/bookings/0' };
  },
  '/shop/sign-in': () => ({ empty: '/shop/sign-in' }),
  '/shop/register': () => ({ empty: '/shop/register' }),
  '/shop/account': () => ({ own: '/shop/account' }),
  '/shop/account/email': () => ({ empty: '/shop/account/email' }),
  '/console': () => ({ days: '/console', hours: '/console?by=hour' }),
  '/console/events': async () => {
    await event({ name: LONG_NAME, venue: LONG_NAME, capacity: 999_999 });
    return { all: '/console/events', none: '/console/events?q=nowhere' };
  },
  '/console/events/new': () => ({ empty: '/console/events/new' }),
  '/console/events/{id}': async () => {
    const priced = await event({ name: 'Priced', venue: 'Hall', pricing: {} });
    for (const base_price of [3_000, 5_000]) await change(priced, { base_price });
    await sell(await somebody(), priced, 4);
    const long = await event({ name: LONG_NAME, venue: LONG_NAME, base_price: 99_999_999, currency: 'KWD', capacity: 999_999 });
    const [draft, cancelled] = [await event({ name: 'Not yet', status: 'draft' }), await event({ name: 'Off' })];
    await change(cancelled, { status: 'cancelled' });
    const in_areas = await event({
      name: 'Opera', capacity: undefined, base_price: undefined,
      areas: [
        { id: 'floor', name: 'Floor', capacity: 500, base_price: 4_500 },
        { id: 'balcony', name: LONG_NAME.slice(0, 200), capacity: 180, base_price: 7_900, pricing: {} },
      ],
    });
    await book(await somebody(), in_areas, 3, 'balcony');
    const of = (id) => `/console/events/${id}`;
    return { 'in areas': of(in_areas), priced: of(priced), long: of(long), draft: of(draft), cancelled: of(cancelled), unknown: of('0') };
  },
  '/console/events/{id}/edit': async () => {
    const id = await event({ name: LONG_NAME, description: 'Two bands.\n\nBring a coat.', cancel_until: in_days(0.5), pricing: {} });
    const areas = [{ id: 'floor', name: 'Floor', capacity: 500, base_price: 4_500 }, { id: 'box', name: 'Box', capacity: 8, base_price: 9_000 }];
    const in_areas = await event({ name: 'Opera', capacity: undefined, base_price: undefined, areas });
    return { all: `/console/events/${id}/edit`, 'in areas': `/console/events/${in_areas}/edit` };
  },
  '/console/events/{id}/areas/{area}': async () => {
    const rows = [...'ABCDEFGHIJ'].map((name) => ({ name, seats: 24, accessible: ['1', '24'] }));
    const areas = [
      { id: 'hall', name: 'Hall', base_price: 4_500, rows: [...rows, { name: 'Box 1', seats: ['1', '2', 'x'] }] },
      { id: 'long', name: LONG_NAME.slice(0, 200), base_price: 4_500, rows: [{ name: 'W'.repeat(32), seats: ['W'.repeat(8), '2'] }] },
    ];
    const hall = await event({ name: 'Theatre', capacity: undefined, base_price: undefined, areas });
    await book(await somebody(), hall, 4, 'hall');
    await call('POST', `/admin/events/${hall}/areas/hall/seats/withdraw`, await admin(), { seats: ['J-1', 'J-2', 'J-24'] });
    const of = (area) => `/console/events/${hall}/areas/${area}`;
    return { some: of('hall'), long: of('long'), large: `/console/events/${await fragments()}/areas/hall`, unknown: of('nowhere') };
  },
  '/console/events/{id}/bookings': async () => {
    const id = await event({ name: LONG_NAME });
    for (const places of [1, 2]) await sell(await somebody(), id, places);
    return { some: `/console/events/${id}/bookings`, none: `/console/events/${id}/bookings?email=nobody@example.com` };
  },
  '/console/audit': () => ({ some: '/console/audit', none: '/console/audit?event=0' }),
  '/console/webhooks': async () => {
    for (const [path, types] of [['hook', ['booking.confirmed', 'booking.cancelled']], [LONG_NAME.replaceAll(' ', '-'), null]]) {
      const made = { url: `https://till.example/${path}`, types, description: path.slice(0, 200) };
      await call('POST', '/admin/webhooks', await admin(), made);
    }
    return { some: '/console/webhooks' };
  },
  '/console/deliveries': async () => {
    await sell(await somebody(), await event({ name: LONG_NAME }), 1);
    return { some: '/console/deliveries', none: '/console/deliveries?status=dead' };
  },
};

/** A hall of 20,000 seats, half of them taken by chance. It is made once. */
let made;
const fragments = () => (made ??= (async () => {
  const rows = Array.from({ length: 100 }, (_, row) => ({ name: String(row + 1), seats: 200 }));
  const areas = [{ id: 'hall', name: 'Hall', base_price: 4_500, rows }];
  const id = await event({ name: 'Large', capacity: undefined, base_price: undefined, max_per_booking: 50, max_per_user: 100_000, areas });
  const token = await somebody();
  const taken = rows.flatMap(({ name }) => Array.from({ length: 200 }, (_, seat) => `${name}-${seat + 1}`)).filter(() => Math.random() < 0.5);
  while (taken.length) {
    await call('POST', `/events/${id}/book`, token, { area: 'hall', seats: taken.splice(0, 50) }, { 'idempotency-key': crypto.randomUUID() });
  }
  return id;
})());

const change = async (id, patch) =>
  call('PATCH', `/admin/events/${id}`, await admin(), patch, { 'content-type': 'application/merge-patch+json', 'if-match': '*' });

/** Signs in whoever may see that page. */
const come_to = async (page, path) => {
  if (path.startsWith('/console')) return sign_in_as_admin(page, API);
  if (!['/', '/shop/sign-in', '/shop/register'].includes(path)) await register(page, API);
};

/** Has the console show the halls of these areas. */
async function preview(page, areas) {
  if (!(await page.context().cookies()).some(({ name }) => name === 'evently')) await sign_in_as_admin(page, API);
  await page.goto(`${API}/console/events/new`);
  await page.getByLabel('Areas').fill(areas);
  await page.getByRole('button', { name: 'Preview the halls' }).click();
}

/** What a page shows that a form leads to: how it is got there. */
const REFUSED = {
  'sign-in refused': async (page) => {
    await page.goto(`${API}/shop/sign-in`);
    await page.getByLabel('Email').fill('nobody@example.com');
    await page.getByLabel('Password').fill('wrong');
    await page.locator('form.account button').click();
    await page.getByRole('alert').waitFor();
  },
  'register refused': async (page) => {
    await page.goto(`${API}/shop/register`);
    await page.getByLabel('Email').fill('ada@example.com');
    await page.getByLabel('Password').fill('password');
    await page.locator('form.account button').click();
    await page.locator('.error').first().waitFor();
  },
  'new event refused': async (page) => {
    if (!(await page.context().cookies()).some(({ name }) => name === 'evently')) await sign_in_as_admin(page, API);
    await page.goto(`${API}/console/events/new`);
    // What a browser asks for is not all that is asked for.
    await page.locator('form.event').evaluate((form) => (form.noValidate = true));
    await page.getByLabel('Price of a place').fill('many');
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.locator('.error').first().waitFor();
  },
  'halls previewed': async (page) => {
    await preview(page, 'floor 50 20.00 Floor\nbalcony rows 65.00 Balcony\n+ A 24 : 1,24\n+ B..F 28\nbox rows 90.00 Boxes\n+ Box 1..4 6');
    await page.locator('.seat-map').nth(1).waitFor();
  },
  'halls refused': async (page) => {
    await preview(page, 'balcony rows 65.00 Balcony\n+ A 24\n+ A 20');
    await page.locator('.error').first().waitFor();
  },
};

const shifts = () =>
  new Promise((done) => {
    let sum = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => (sum += entry.value))).observe({
      type: 'layout-shift',
      buffered: true,
    });
    setTimeout(() => done(sum), 250);
  });

/** What is wrong with what a browser shows right now. */
async function complaints(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ').slice(0, 300)}`);
  const { wide, width } = await page.evaluate(() => ({ wide: document.documentElement.scrollWidth, width: innerWidth }));
  if (wide > width) found.push(`it is ${wide} px wide, in ${width}`);
  return found;
}

async function picture(page, name, theme, width) {
  if (!process.env.PICTURES) return;
  await mkdir(process.env.PICTURES, { recursive: true });
  const file = `${name.replaceAll(/[^a-z]+/g, '-').replaceAll(/^-|-$/g, '')}-${theme}-${width}.png`;
  await page.screenshot({ path: join(process.env.PICTURES, file), fullPage: true });
}

// What a width breaks it breaks in both themes, and colours are the same at every width. Pictures are of all.
const SIGHTS = [['light', 1280], ['dark', 320], ...(process.env.PICTURES ? [['light', 320], ['dark', 1280]] : [])];

for (const path of PAGES) {
  test(`${path} in both themes, narrow and wide, with and without scripts`, async () => {
    assert.ok(LOOKS[path], 'a page of the router that nobody looks at');
    await withBrowser({}, async (browser) => {
      const page = await browser.newPage();
      const own = new URL(API).host;
      const elsewhere = [];
      page.on('request', (request) => {
        const { host, protocol } = new URL(request.url());
        if (host !== own && protocol !== 'data:') elsewhere.push(request.url());
      });
      const broken = [];
      page.on('pageerror', (error) => broken.push(error.message));
      page.on('console', (message) => {
        // A page that is a refusal has its status there.
        if (message.type() === 'error' && !message.text().includes('Failed to load resource')) broken.push(message.text());
      });
      await come_to(page, path);
      for (const [name, at] of Object.entries(await LOOKS[path](page))) {
        for (const [colorScheme, width] of SIGHTS) {
          await page.emulateMedia({ colorScheme });
          await page.setViewportSize({ width, height: 800 });
          const response = await page.goto(API + at);
          const shifted = await page.evaluate(shifts);
          assert.ok(shifted < 0.01, `${at}: what is shown moved by ${shifted}`);
          assert.deepEqual(await complaints(page), [], `${at} ${name} ${colorScheme} ${width}`);
          await picture(page, `${path} ${name}`, colorScheme, width);
          const bytes = gzipSync(await response.body()).length;
          assert.ok(bytes <= HTML_BYTES_MAX, `${at}: ${bytes} bytes compressed`);
        }
        if (process.env.PICTURES) {
          await page.emulateMedia({ media: 'print', colorScheme: 'light' });
          await picture(page, `${path} ${name}`, 'print', 1280);
          await page.emulateMedia({ media: 'screen' });
        }
      }
      assert.deepEqual(elsewhere, []);
      assert.deepEqual(broken, []);
    });
    await withBrowser({ javaScriptEnabled: false }, async (browser) => {
      const page = await browser.newPage();
      await come_to(page, path);
      for (const at of Object.values(await LOOKS[path](page))) {
        await page.goto(API + at);
        assert.equal(await page.locator('h1').count(), 1, at);
        assert.ok((await page.locator('main').innerText()).length > 20, `${at} has nothing to read`);
      }
    });
  });
}

for (const [name, get] of Object.entries(REFUSED)) {
  test(`${name} in both themes, narrow and wide`, async () => {
    await withBrowser({}, async (browser) => {
      const page = await browser.newPage();
      for (const [colorScheme, width] of SIGHTS) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 800 });
        await get(page);
        assert.deepEqual(await complaints(page), [], `${colorScheme} ${width}`);
        await picture(page, name, colorScheme, width);
      }
    });
  });
}

test('whoever wants less movement, larger text or more contrast loses nothing', async () => {
  await withBrowser({}, async (browser) => {
    const page = await browser.newPage();
    const id = await event({ name: LONG_NAME });
    await page.emulateMedia({ reducedMotion: 'reduce', forcedColors: 'active' });
    // As wide as a phone with the text twice as large.
    await page.setViewportSize({ width: 320, height: 800 });
    await page.goto(`${API}/shop/events/${id}`);
    await page.evaluate(() => document.documentElement.style.setProperty('font-size', '200%'));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 320, `${wide} px wide`);
  });
});
