// What the tests of pages share: people who use the shop by hand, and events of every kind.

import { PASSWORD } from './world.mjs';

/** A name that is as long as names may be, and breaks nowhere. */
export const LONG_NAME = `${'Donaudampfschifffahrtsgesellschaft'.repeat(4)} ${'W'.repeat(60)}`;

let people = 0;

/** Somebody new registers by the page, and is signed in. */
export async function register(page, api) {
  people += 1;
  const email = `buyer-${process.pid}-${people}-${Math.floor(performance.now())}@example.com`;
  await page.goto(`${api}/shop/register`);
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Register' }).click();
  await page.getByText('You are registered, and signed in.').waitFor();
  return email;
}

/** The admin signs in by the page. */
export async function sign_in_as_admin(page, api) {
  await page.goto(`${api}/shop/sign-in`);
  await page.getByLabel('Email').fill('admin@example.com');
  await page.getByLabel('Password').fill('evently-admin');
  await page.locator('form.account button').click();
  await page.getByRole('link', { name: 'Console' }).waitFor();
}

/** Holds places by the event's page, and stays at the page of the hold. */
export async function hold(page, api, id, quantity) {
  await page.goto(`${api}/shop/events/${id}`);
  await page.getByLabel('Places').selectOption(String(quantity));
  await page.getByRole('button', { name: /^Hold/ }).click();
  await page.getByRole('heading', { name: 'Held for you' }).waitFor();
}

/** Holds and books places; stays at the page of the booking. */
export async function buy(page, api, id, quantity) {
  await hold(page, api, id, quantity);
  await page.getByRole('button', { name: 'Book these places' }).click();
  await page.getByText(/^Booked: /).waitFor();
}
