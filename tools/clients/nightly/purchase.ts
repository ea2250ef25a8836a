// A purchase through the client that orval makes: compiled by `tsc --strict`, which says whether its types are of use. What they
// say is tried by the journeys through other clients.
import { confirmReservation, getEvent, holdSeats, listEvents, updateEvent, type Booking } from "./api.ts";

export async function buy(token: string, key: string): Promise<Booking | number | undefined> {
  const authorization = `Bearer ${token}`;
  const listed = await listEvents({ q: "open air", limit: 5 });
  // @ts-expect-error Whether there are events is not known before the status.
  listed.data.items;
  if (listed.status !== 200) return;
  const event = listed.data.items.find(({ available, status }) => available > 0 && status === "published");
  if (event === undefined) return;
  const headers = { authorization, "Idempotency-Key": key };
  // @ts-expect-error A number of seats is no text.
  await holdSeats(event.id, { quantity: "2" }, { headers });
  const held = await holdSeats(event.id, { quantity: 2 }, { headers });
  if (held.status === 409) {
    const { code, left, retry_at } = held.data;
    // @ts-expect-error Holding has no such code.
    if (code === "stale_version") return;
    return code === "max_per_user_reached" ? (left ?? 0) : Date.parse(retry_at ?? "");
  }
  if (held.status !== 201) throw new Error(held.data.code);
  const sold = await confirmReservation(held.data.reservation.id, { headers: { authorization } });
  return sold.status === 200 || sold.status === 201 ? sold.data.booking : undefined;
}

export async function move(token: string, id: string): Promise<string | null> {
  const event = await getEvent(id);
  if (event.status !== 200) return null;
  const headers = { authorization: `Bearer ${token}`, "If-Match": `"${event.data.version}"` };
  const moved = await updateEvent(id, { venue: "Opera", sales_open_at: null }, { headers });
  return moved.status === 200 ? moved.data.venue : null;
}
