/**
 * What runs in the server. One call of one function is one statement, hence one round trip and one transaction.
 *
 * Why functions, and not one large statement: a statement sees the rows as they were when it began, so that one which waited for
 * another's lock would decide by what it saw before. In a function each query sees what is committed by then: it locks first,
 * reads the clock and the rows afterwards. (Above READ COMMITTED it would meet a serialization error instead, and charge nothing.)
 *
 * Why an advisory lock on the subject, and not locks on its rows: a key that nobody has used has no row to lock, and rows made
 * while others are held are how two transactions come to wait for each other. Here each holds one lock, whatever the
 * policies and their order. Two subjects whose 64 bits are the same wait for each other, and nothing else.
 *
 * Numbers are the same integers as in core/token-bucket.ts and strategies/window-count.ts: below 2^53 there, bigint here. The
 * suite and a property test hold them together.
 *
 * Of each policy come seven, see encode-policies.ts:
 *   1 bucket   denominator of fractions; a token's us, fraction; from empty to full us, fraction; capacity
 *   2 window   limit; its length; 0 if it begins with a key's first take, 1 if at multiples of its length; 0; 0; 0
 *   3 quota    limit; four edges of three windows that follow each other; 0
 * What comes back is text, since a bigint is another type in each program: a word, the time, and for each policy the row as it was
 * before, "kind at n blocked". The words of a decision are the pure step's, which is given the same row and time.
 */

// SET: a plan made while the table was small would go on to read it from end to end when it no longer is.
export const LANGUAGE = 'LANGUAGE plpgsql SET enable_seqscan TO off';

/** Not now(), which is when the transaction began: before it waited for the lock. */
export const CLOCK = '(extract(epoch FROM clock_timestamp()) * 1000000)::bigint';

export const READ = `
    v_at_number := (i - 1) * 7;
    v_kind := p_numbers[v_at_number + 1];
    SELECT s.kind, s.at_us, s.n, s.blocked_until_us INTO r_kind, r_at, r_n, r_blocked
      FROM limit_states s WHERE s.subject = p_subject AND s.policy = p_policies[i];
    IF NOT FOUND THEN
      r_kind := 0; r_at := 0; r_n := 0; r_blocked := 0;
    END IF;
    v_reply := v_reply || ' ' || r_kind || ' ' || r_at || ' ' || r_n || ' ' || r_blocked;
    -- Written under another kind of policy: none.
    v_found := r_kind = least(v_kind, 2);`;

export const READ_VARIABLES = `
  v_now bigint;
  v_reply text := '';
  v_at_number integer;
  v_kind bigint;
  v_found boolean;
  r_kind bigint;
  r_at bigint;
  r_n bigint;
  r_blocked bigint;
  v_cost bigint;
  v_us bigint;
  v_fraction bigint;
  v_start bigint;
  v_end bigint;`;

// Of a quota: the window of now, or of the state when the clock went back behind it.
export const QUOTA_WINDOW = `
      v_us := CASE WHEN v_found THEN greatest(v_now, r_at) ELSE v_now END;
      v_start := NULL;
      FOR edge IN 3 .. 5 LOOP
        IF p_numbers[v_at_number + edge] <= v_us AND v_us < p_numbers[v_at_number + edge + 1] THEN
          v_start := p_numbers[v_at_number + edge];
          v_end := p_numbers[v_at_number + edge + 1];
        END IF;
      END LOOP;`;

// A fraction over the denominator was written under another rate: it is rounded up.
export const ROUND_FOREIGN = `
        IF v_fraction >= p_numbers[v_at_number + 2] THEN
          v_us := v_us + 1;
          v_fraction := 0;
        END IF;`;

const take = `
CREATE FUNCTION limit_take(
  p_lock bigint, p_subject bytea, p_policies text[], p_numbers bigint[], p_cost bigint, p_now bigint,
  p_id bytea, p_not_after bigint, p_remember bigint
) RETURNS text ${LANGUAGE} AS $$
DECLARE${READ_VARIABLES}
  v_known boolean := false;
  v_allows boolean := true;
  v_outside boolean := false;
  v_new boolean := false;
  w_at bigint[];
  w_n bigint[];
  w_until bigint[];
BEGIN
  PERFORM pg_advisory_xact_lock(p_lock);
  v_now := coalesce(p_now, ${CLOCK});
  IF p_id IS NOT NULL THEN
    IF v_now > p_not_after THEN
      RETURN 'late ' || v_now;
    END IF;
    v_known := EXISTS (SELECT FROM limit_states s WHERE s.subject = p_id AND s.policy = '' AND s.end_us > v_now);
  END IF;
  FOR i IN 1 .. cardinality(p_policies) LOOP${READ}
    v_new := v_new OR r_kind = 0;
    IF r_blocked > v_now THEN
      v_allows := false;
    ELSIF v_known THEN
      NULL;
    ELSIF v_kind = 1 THEN
      v_us := 0;
      v_fraction := 0;
      IF v_found AND r_at >= v_now THEN
        v_us := r_at - v_now;
        v_fraction := r_n;${ROUND_FOREIGN}
      END IF;
      -- One that never fits is counted as the smallest such.
      v_cost := least(p_cost, p_numbers[v_at_number + 7] + 1);
      v_fraction := v_fraction + v_cost * p_numbers[v_at_number + 4];
      v_us := v_us + v_cost * p_numbers[v_at_number + 3] + v_fraction / p_numbers[v_at_number + 2];
      v_fraction := v_fraction % p_numbers[v_at_number + 2];
      IF v_us > p_numbers[v_at_number + 5]
        OR (v_us = p_numbers[v_at_number + 5] AND v_fraction > p_numbers[v_at_number + 6]) THEN
        v_allows := false;
      END IF;
      w_at[i] := v_now + v_us;
      w_n[i] := v_fraction;
      w_until[i] := v_now + v_us + 1;
    ELSE
      IF v_kind = 2 THEN
        v_start := CASE WHEN v_found AND v_now < r_at + p_numbers[v_at_number + 3] THEN r_at
          WHEN p_numbers[v_at_number + 4] = 1 THEN v_now - v_now % p_numbers[v_at_number + 3]
          ELSE v_now END;
        v_end := v_start + p_numbers[v_at_number + 3];
      ELSE${QUOTA_WINDOW}
      END IF;
      IF v_start IS NULL THEN
        v_outside := true;
      ELSE
        w_at[i] := v_start;
        w_n[i] := CASE WHEN v_found AND r_at >= v_start THEN r_n ELSE 0 END;
        w_until[i] := v_end;
        IF p_cost > p_numbers[v_at_number + 2] - w_n[i] THEN
          v_allows := false;
        END IF;
        w_n[i] := w_n[i] + least(p_cost, p_numbers[v_at_number + 2]);
      END IF;
    END IF;
  END LOOP;
  IF NOT v_allows THEN
    RETURN 'refused ' || v_now || v_reply;
  ELSIF v_known THEN
    RETURN 'known ' || v_now || v_reply;
  ELSIF v_outside THEN
    RETURN 'outside ' || v_now || v_reply;
  END IF;
  FOR i IN 1 .. cardinality(p_policies) LOOP
    INSERT INTO limit_states AS s (subject, policy, kind, at_us, n, blocked_until_us, end_us)
      VALUES (p_subject, p_policies[i], least(p_numbers[i * 7 - 6], 2), w_at[i], w_n[i], 0, w_until[i])
      ON CONFLICT (subject, policy) DO UPDATE SET kind = excluded.kind, at_us = excluded.at_us, n = excluded.n,
        blocked_until_us = 0, end_us = excluded.end_us;
  END LOOP;
  IF p_id IS NOT NULL THEN
    INSERT INTO limit_states AS s (subject, policy, kind, at_us, n, blocked_until_us, end_us)
      VALUES (p_id, '', 3, v_now, p_cost, 0, v_now + p_remember)
      ON CONFLICT (subject, policy) DO UPDATE SET at_us = excluded.at_us, n = excluded.n, end_us = excluded.end_us;
  END IF;
  -- Whoever makes a row removes some that have ended, and now and then others do: so the table outgrows what counts only for a
  -- while. Not by a test's clock, which may leap.
  IF p_now IS NULL AND (v_new OR p_id IS NOT NULL OR random() < 0.02) THEN
    PERFORM limit_prune(v_now);
  END IF;
  RETURN 'charged ' || v_now || v_reply;
END $$`;

// Looks at a few rows somewhere, and removes those that ended a minute ago: subjects are digests, so that somewhere is anywhere. With
// eight looked at for each one made, what has ended stays about an eighth of the table. An index on the end would find them sooner,
// but most takes would have to change it, and its low end, where all had to begin, would fill up with the removed as soon as somebody's long
// transaction kept them. Last in its transaction, and never waiting: it holds rows of others until the end of it.
const prune = `
CREATE FUNCTION limit_prune(p_now bigint) RETURNS void ${LANGUAGE} AS $$
DECLARE
  v_from bytea := CASE WHEN random() < 0.05 THEN '' ELSE decode(md5(random()::text), 'hex') END;
  v_ended tid[];
BEGIN
  SELECT array_agg(near.ctid) INTO v_ended FROM (
    SELECT s.ctid, s.end_us FROM limit_states s WHERE s.subject > v_from ORDER BY s.subject, s.policy LIMIT 8
  ) AS near WHERE near.end_us < p_now - 60000000;
  IF v_ended IS NOT NULL THEN
    DELETE FROM limit_states WHERE ctid = ANY (ARRAY(
      SELECT s.ctid FROM limit_states s WHERE s.ctid = ANY (v_ended) AND s.end_us < p_now - 60000000 FOR UPDATE SKIP LOCKED));
  END IF;
END $$`;

const refund = `
CREATE FUNCTION limit_refund(
  p_lock bigint, p_subject bytea, p_policies text[], p_numbers bigint[], p_cost bigint, p_now bigint, p_taken_at bigint, p_id bytea
) RETURNS text ${LANGUAGE} AS $$
DECLARE${READ_VARIABLES}
  v_back bigint := p_cost;
  v_taken_at bigint := p_taken_at;
  v_outside boolean := false;
  w_at bigint[];
  w_n bigint[];
BEGIN
  PERFORM pg_advisory_xact_lock(p_lock);
  v_now := coalesce(p_now, ${CLOCK});
  IF p_id IS NOT NULL THEN
    -- Of a repeat the caller knows the moment of the repeat, which is later: units have come back since they were charged.
    SELECT least(p_cost, s.n), least(coalesce(p_taken_at, v_now), s.at_us) INTO v_back, v_taken_at
      FROM limit_states s WHERE s.subject = p_id AND s.policy = '' AND s.end_us > v_now;
    v_back := coalesce(v_back, 0);
  END IF;
  FOR i IN 1 .. cardinality(p_policies) LOOP${READ}
    CONTINUE WHEN r_blocked > v_now OR v_back = 0 OR NOT v_found;
    IF v_kind = 1 THEN
      v_us := r_at;
      v_fraction := r_n;
      -- Full again, so that nothing is missing.
      CONTINUE WHEN r_at < v_now OR (r_at = v_now AND r_n = 0);${ROUND_FOREIGN}
      v_cost := least(v_back, p_numbers[v_at_number + 7]);
      -- What refilled since it was taken is nobody's to give.
      v_start := v_cost * p_numbers[v_at_number + 3] + v_cost * p_numbers[v_at_number + 4] / p_numbers[v_at_number + 2]
        - greatest(0, v_now - coalesce(v_taken_at, v_now));
      v_end := v_cost * p_numbers[v_at_number + 4] % p_numbers[v_at_number + 2];
      CONTINUE WHEN v_start < 0 OR (v_start = 0 AND v_end = 0);
      v_us := v_us - v_start;
      v_fraction := v_fraction - v_end;
      IF v_fraction < 0 THEN
        v_us := v_us - 1;
        v_fraction := v_fraction + p_numbers[v_at_number + 2];
      END IF;
      w_at[i] := v_us;
      w_n[i] := CASE WHEN v_us < v_now OR (v_us = v_now AND v_fraction = 0) THEN -1 ELSE v_fraction END;
    ELSE
      IF v_kind = 2 THEN
        v_start := CASE WHEN v_now < r_at + p_numbers[v_at_number + 3] THEN r_at ELSE v_now END;
      ELSE${QUOTA_WINDOW}
      END IF;
      IF v_start IS NULL THEN
        v_outside := true;
      ELSIF r_at >= v_start AND coalesce(v_taken_at, v_start) >= v_start THEN
        w_at[i] := r_at;
        w_n[i] := CASE WHEN r_n > v_back THEN r_n - v_back ELSE -1 END;
      END IF;
    END IF;
  END LOOP;
  IF v_outside THEN
    RETURN 'outside ' || v_now || v_reply;
  END IF;
  FOR i IN 1 .. cardinality(p_policies) LOOP
    IF w_n[i] < 0 THEN
      DELETE FROM limit_states WHERE subject = p_subject AND policy = p_policies[i];
    ELSIF w_n[i] IS NOT NULL THEN
      UPDATE limit_states SET at_us = w_at[i], n = w_n[i] WHERE subject = p_subject AND policy = p_policies[i];
    END IF;
  END LOOP;
  IF p_id IS NOT NULL THEN
    DELETE FROM limit_states WHERE subject = p_id AND policy = '';
  END IF;
  RETURN 'refunded ' || v_now || v_reply;
END $$`;

const block = `
CREATE FUNCTION limit_block(p_lock bigint, p_subject bytea, p_policies text[], p_now bigint, p_for bigint)
RETURNS text ${LANGUAGE} AS $$
DECLARE
  v_now bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(p_lock);
  v_now := coalesce(p_now, ${CLOCK});
  INSERT INTO limit_states AS s (subject, policy, kind, at_us, n, blocked_until_us, end_us)
    SELECT p_subject, asked.policy, 0, 0, 0, v_now + p_for, v_now + p_for
    FROM unnest(p_policies) AS asked(policy)
    ON CONFLICT (subject, policy) DO UPDATE SET kind = 0, at_us = 0, n = 0,
      blocked_until_us = greatest(s.blocked_until_us, excluded.blocked_until_us),
      end_us = greatest(s.blocked_until_us, excluded.blocked_until_us);
  IF p_now IS NULL THEN
    PERFORM limit_prune(v_now);
  END IF;
  RETURN 'blocked ' || v_now;
END $$`;

const reset = `
CREATE FUNCTION limit_reset(p_lock bigint, p_subject bytea, p_policies text[], p_now bigint)
RETURNS text ${LANGUAGE} AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(p_lock);
  DELETE FROM limit_states WHERE subject = p_subject AND policy = ANY (p_policies);
  RETURN 'reset ' || coalesce(p_now, ${CLOCK});
END $$`;

// A look: locks nothing, and writes nothing. One statement sees all rows as they were at one moment.
const peek = `
CREATE FUNCTION limit_peek(p_subject bytea, p_policies text[], p_now bigint) RETURNS text ${LANGUAGE} AS $$
BEGIN
  RETURN (
    SELECT 'read ' || coalesce(p_now, ${CLOCK}) || ' ' || string_agg(concat_ws(' ', coalesce(s.kind, 0), coalesce(s.at_us, 0),
      coalesce(s.n, 0), coalesce(s.blocked_until_us, 0)), ' ' ORDER BY asked.place)
    FROM unnest(p_policies) WITH ORDINALITY AS asked(policy, place)
    LEFT JOIN limit_states s ON s.subject = p_subject AND s.policy = asked.policy);
END $$`;

export const limitFunctions: readonly string[] = [prune, take, peek, refund, block, reset];
