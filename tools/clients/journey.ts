// The journey of a buyer and of an organiser, through a client made from the API document. `tsc --strict` says whether its types
// are of use; running it, whether they are true.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.ts";

type Event = components["schemas"]["Event"];

const api = createClient<paths>({ baseUrl: process.env.API });

function signedIn(token: string) {
  return createClient<paths>({ baseUrl: process.env.API, headers: { Authorization: `Bearer ${token}` } });
}

/** What was answered as JSON; a refusal ends the journey, and its code is one that the document names. */
function told<T>(answer: { data?: T; error?: { code: string }; response: Response }): Exclude<T, string> {
  if (answer.error !== undefined) throw new Error(`${answer.response.status} ${answer.error.code}`);
  // Some lists are also to be had as CSV, which nobody asked for here.
  return answer.data as Exclude<T, string>;
}

async function organise(): Promise<{ organiser: ReturnType<typeof signedIn>; event: Event }> {
  const body = { email: "admin@example.com", password: "evently-admin" };
  const organiser = signedIn(told(await api.POST("/login", { body })).access_token);
  const starts_at = new Date(Date.now() + 30 * 24 * 3600_000).toISOString();
  const created = await organiser.POST("/admin/events", {
    params: { header: { "Idempotency-Key": randomUUID() } },
    body: { name: "Typed Evening", starts_at, capacity: 20, base_price: 4500, currency: "EUR", status: "draft", pricing: {} },
  });
  const draft = told(created);
  assert.equal(draft.pricing?.max_percent, 150, "what is always sent is there");
  const published = await organiser.PATCH("/admin/events/{id}", {
    params: { path: { id: draft.id }, header: { "If-Match": `"${draft.version}"` } },
    body: { status: "published", venue: "Opera" },
    headers: { "Content-Type": "application/merge-patch+json" },
  });
  const stale = await organiser.PATCH("/admin/events/{id}", {
    params: { path: { id: draft.id }, header: { "If-Match": `"${draft.version}"` } },
    body: { venue: "Park" },
    headers: { "Content-Type": "application/merge-patch+json" },
  });
  assert.equal(stale.error?.code, "stale_version");
  return { organiser, event: told(published) };
}

async function buy(event: Event): Promise<void> {
  const person = { email: `typed-${randomUUID()}@example.com`, password: "a typed pass phrase", name: "Ada" };
  const buyer = signedIn(told(await api.POST("/register", { body: person })).access_token);
  const listed = told(await api.GET("/events", { params: { query: { q: "typed evening", limit: 100 } } }));
  assert.ok(listed.items.some((item) => item.id === event.id));
  told(await api.GET("/events/popular"));
  assert.equal(told(await api.GET("/events/{id}", { params: { path: { id: event.id } } })).available, 20);

  const path = { id: event.id };
  const header = { "Idempotency-Key": randomUUID() };
  const { reservation } = told(await buyer.POST("/events/{id}/book", { params: { path, header }, body: { quantity: 2 } }));
  const refused = await buyer.POST("/events/{id}/book", {
    params: { path, header: { "Idempotency-Key": randomUUID() } },
    body: { quantity: 9 },
  });
  assert.equal(refused.error?.code, "max_per_user_reached");
  const held = { params: { path: { id: reservation.id } } };
  assert.equal(told(await buyer.GET("/reservations/{id}", held)).reservation.status, "held");
  assert.equal(told(await buyer.GET("/reservations")).items.length, 1);
  const { booking } = told(await buyer.POST("/reservations/{id}/confirm", held));
  assert.equal(booking.total, 9000);
  assert.equal(booking.event?.venue, "Opera");
  const bought = told(await buyer.GET("/bookings", { params: { query: { status: "confirmed" } } }));
  assert.deepEqual(bought.items.map(({ id }) => id), [booking.id]);
  assert.equal(told(await buyer.POST("/bookings/{id}/cancel", held)).booking.status, "cancelled");

  const again = await buyer.POST("/events/{id}/book", {
    params: { path, header: { "Idempotency-Key": randomUUID() } },
    body: { quantity: 1 },
  });
  const given_back = { params: { path: { id: told(again).reservation.id } } };
  assert.equal((await buyer.DELETE("/reservations/{id}", given_back)).response.status, 204);
  const renamed = await buyer.PATCH("/me", {
    body: { name: null },
    headers: { "Content-Type": "application/merge-patch+json" },
  });
  assert.equal(told(renamed).user.name, null);
  assert.equal((await buyer.DELETE("/me", { body: { password: person.password } })).response.status, 204);
}

async function look(organiser: ReturnType<typeof signedIn>, event: Event): Promise<void> {
  const params = { path: { id: event.id } };
  assert.equal(told(await organiser.GET("/admin/events/{id}/inventory", { params })).sold, 0);
  const bookings = told(await organiser.GET("/admin/events/{id}/bookings", { params }));
  assert.deepEqual(bookings.items.map(({ status, user }) => [status, user]), [["cancelled", null]]);
  const file = await organiser.GET("/admin/events/{id}/bookings", {
    params: { ...params, query: { format: "csv", bom: "0" } },
    parseAs: "text",
  });
  assert.match(file.data as string, /^id,user_id,.*\r\n.*,cancelled,.*\r\n$/);
  assert.match(file.response.headers.get("Content-Disposition") ?? "", /filename="bookings-typed-evening-/);
  const timeline = await organiser.GET("/admin/analytics/timeline", {
    params: { query: { bucket: "hour", event_id: event.id } },
  });
  assert.equal(told(timeline).items.reduce((sum, hour) => sum + hour.bookings, 0), 1);
  assert.ok(told(await organiser.GET("/admin/analytics")).total_bookings >= 1);
  told(await organiser.GET("/admin/events/capacity_utilization"));
  assert.equal(told(await organiser.GET("/admin/events/{id}/prices", { params })).items.length, 1);
  const audited = told(await organiser.GET("/admin/audit", { params: { query: { event: event.id } } }));
  assert.deepEqual(audited.items.map(({ action }) => action), ["event_changed", "event_created"]);
}

const { organiser, event } = await organise();
await buy(event);
await look(organiser, event);
console.log("The journey through the TypeScript client ended well.");
