/** What shares gave while the server was away, in the terms of functions.sql.ts. */
import { CLOCK, LANGUAGE, QUOTA_WINDOW, READ, READ_VARIABLES, ROUND_FOREIGN } from './functions.sql.ts';

// As a take without an id, after what was used elsewhere while this server was away: charged first, never beyond empty, a window's only in
// that window, and whatever becomes of the take. Both at one moment, and with it in one transaction.
const takeOwing = `
CREATE FUNCTION limit_take_owing(
  p_lock bigint, p_subject bytea, p_policies text[], p_numbers bigint[], p_cost bigint, p_now bigint,
  p_units bigint[], p_given_at bigint[]
) RETURNS text ${LANGUAGE} AS $$
DECLARE${READ_VARIABLES}
  v_outside boolean := false;
  w_at bigint[];
  w_n bigint[];
  w_until bigint[];
BEGIN
  PERFORM pg_advisory_xact_lock(p_lock);
  v_now := coalesce(p_now, ${CLOCK});
  FOR i IN 1 .. cardinality(p_policies) LOOP${READ}
    CONTINUE WHEN r_blocked > v_now;
    IF v_kind = 1 THEN
      CONTINUE WHEN p_units[i] = 0;
      v_us := 0;
      v_fraction := 0;
      IF v_found AND r_at >= v_now THEN
        v_us := r_at - v_now;
        v_fraction := r_n;${ROUND_FOREIGN}
      END IF;
      -- Below empty after the capacity was lowered.
      CONTINUE WHEN v_us > p_numbers[v_at_number + 5]
        OR (v_us = p_numbers[v_at_number + 5] AND v_fraction > p_numbers[v_at_number + 6]);
      v_cost := least(p_units[i], p_numbers[v_at_number + 7]);
      v_fraction := v_fraction + v_cost * p_numbers[v_at_number + 4];
      v_us := v_us + v_cost * p_numbers[v_at_number + 3] + v_fraction / p_numbers[v_at_number + 2];
      v_fraction := v_fraction % p_numbers[v_at_number + 2];
      IF v_us > p_numbers[v_at_number + 5]
        OR (v_us = p_numbers[v_at_number + 5] AND v_fraction > p_numbers[v_at_number + 6]) THEN
        v_us := p_numbers[v_at_number + 5];
        v_fraction := p_numbers[v_at_number + 6];
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
        CONTINUE;
      END IF;
      v_us := CASE WHEN v_found AND r_at >= v_start THEN r_n ELSE 0 END;
      v_cost := least(p_units[i], p_numbers[v_at_number + 2] - v_us);
      CONTINUE WHEN v_cost <= 0 OR p_given_at[i] < v_start OR p_given_at[i] >= v_end;
      w_at[i] := v_start;
      w_n[i] := v_us + v_cost;
      w_until[i] := v_end;
    END IF;
  END LOOP;
  IF v_outside THEN
    RETURN 'outside ' || v_now || v_reply;
  END IF;
  FOR i IN 1 .. cardinality(p_policies) LOOP
    CONTINUE WHEN w_at[i] IS NULL;
    INSERT INTO limit_states AS s (subject, policy, kind, at_us, n, blocked_until_us, end_us)
      VALUES (p_subject, p_policies[i], least(p_numbers[i * 7 - 6], 2), w_at[i], w_n[i], 0, w_until[i])
      ON CONFLICT (subject, policy) DO UPDATE SET kind = excluded.kind, at_us = excluded.at_us, n = excluded.n,
        blocked_until_us = 0, end_us = excluded.end_us;
  END LOOP;
  RETURN limit_take(p_lock, p_subject, p_policies, p_numbers, p_cost, v_now, NULL, NULL, NULL);
END $$`;

export const handOverFunctions: readonly string[] = [takeOwing];
