import assert from "node:assert/strict";
import { type ServedPlatform, testOnServers, type User } from "./platform.ts";
import { addCelebrity, addStaff, ok, refuses, touchesNothing } from "./scenario.ts";

const counted = { count: "exact" } as const;

/** What the celebrity's row says, and what there is. */
async function ratingOf({ sql }: ServedPlatform, celebrity: string) {
  const [row] = await sql(
    `select average_rating::text as average, rating_count as count,
            (select coalesce(avg(rating), 0)::numeric(3, 2)::text from public.celebrity_ratings
              where celebrity_id = c.id) = average_rating::text as is_average,
            (select count(*) from public.celebrity_ratings
              where celebrity_id = c.id) = rating_count as is_count
       from public.celebrities c where id = $1`,
    [celebrity],
  );
  const { average, count, ...right } = row!;
  assert.deepEqual(right, { is_average: true, is_count: true });
  return [average, count];
}

testOnServers("the average follows inserts, updates and deletes", async (platform) => {
  const [one, other] = [await addCelebrity(platform), await addCelebrity(platform)];
  const users = [await platform.addUser(), await platform.addUser(), await platform.addUser()];
  const rate = async (user: User, rating: number) =>
    (await platform.as(user)).from("celebrity_ratings").insert({ celebrity_id: one.id, rating });
  assert.deepEqual(await ratingOf(platform, one.id), ["0.00", 0]);
  ok(await rate(users[0]!, 5));
  ok(await rate(users[1]!, 4));
  ok(await rate(users[2]!, 4));
  assert.deepEqual(await ratingOf(platform, one.id), ["4.33", 3]);
  await refuses(rate(users[0]!, 1), "23505");
  await refuses(rate(await platform.addUser(), 6), "23514");

  const mine = (await platform.as(users[0]!)).from("celebrity_ratings");
  const row = { celebrity_id: one.id, user_id: users[0]!.id };
  ok(await mine.update({ rating: 1 }).match(row));
  assert.deepEqual(await ratingOf(platform, one.id), ["3.00", 3]);
  await platform.sql("update public.celebrity_ratings set celebrity_id = $1 where user_id = $2", [
    other.id,
    users[0]!.id,
  ]);
  assert.deepEqual(await ratingOf(platform, one.id), ["4.00", 2]);
  assert.deepEqual(await ratingOf(platform, other.id), ["1.00", 1]);
  ok(await mine.delete().eq("user_id", users[0]!.id));
  assert.deepEqual(await ratingOf(platform, other.id), ["0.00", 0]);
  await platform.sql("delete from auth.users where id = $1", [users[1]!.id]);
  assert.deepEqual(await ratingOf(platform, one.id), ["4.00", 1]);
});

testOnServers("users rate once, for themselves, and not who they act for", async (platform) => {
  const celebrity = await addCelebrity(platform);
  const [user, moderator] = [await platform.addUser(), await addStaff(platform, "moderator")];
  const table = async (who: User | null) => (await platform.as(who)).from("celebrity_ratings");
  const rating = { celebrity_id: celebrity.id, rating: 5 };
  await refuses((await table(celebrity.star)).insert(rating));
  await refuses((await table(null)).insert(rating));
  await refuses((await table(null)).select("*"));
  ok(await (await table(user)).insert(rating));
  const stranger = await table(await platform.addUser());
  assert.deepEqual(ok(await stranger.select("*")).data, []);
  await touchesNothing(stranger.update({ rating: 1 }, counted).eq("celebrity_id", celebrity.id));
  await touchesNothing(stranger.delete(counted).eq("celebrity_id", celebrity.id));
  await refuses((await table(user)).update({ user_id: moderator.id }).eq("user_id", user.id));
  ok(await (await table(moderator)).delete().eq("user_id", user.id));

  const shown = (await platform.as(null)).from("celebrities")
    .select("average_rating, rating_count").eq("id", celebrity.id);
  assert.deepEqual(ok(await shown).data, [{ average_rating: 0, rating_count: 0 }]);
});

testOnServers("the average is right after concurrent writes, whatever their order", async (at) => {
  const [one, other] = [await addCelebrity(at), await addCelebrity(at)];
  const users = await Promise.all(Array.from({ length: 12 }, () => at.addUser()));
  const all = async (work: (user: User, index: number) => PromiseLike<{ error: unknown }>) => {
    for (const answer of await Promise.all(users.map(work))) ok(answer);
  };
  const service = (await at.as("service")).from("celebrity_ratings");
  const rows = users.map((user, index) =>
    [one, other].map(({ id }) => ({ celebrity_id: id, user_id: user.id, rating: 1 + index % 5 }))
  );
  // Each request writes to both celebrities, half of them in the other order.
  await all((_, index) => service.insert(index % 2 ? rows[index]! : rows[index]!.toReversed()));
  assert.deepEqual(await ratingOf(at, one.id), ["2.75", 12]);
  await all(({ id }, index) => service.update({ rating: 5 - index % 3 }).eq("user_id", id));
  assert.deepEqual(await ratingOf(at, one.id), ["4.00", 12]);
  await all(({ id }, index) =>
    index % 2 ? service.delete().eq("user_id", id) : service.update({ rating: 2 }).eq("user_id", id)
  );
  assert.deepEqual(await ratingOf(at, one.id), ["2.00", 6]);
  assert.deepEqual(await ratingOf(at, other.id), ["2.00", 6]);
});
