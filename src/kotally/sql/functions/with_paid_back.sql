-- The answer of a grant, and in it that some of its credits settled a debt first (S11.5).
create or replace function kotally.with_paid_back(p_answer json, p_paid_back bigint, p_granted bigint)
returns text language sql immutable as $$
  select case when p_paid_back = 0 then p_answer::text
    else left(p_answer::text, -1) || format(
      ', "credits_paid_back" : %s, "notice" : "%s of your %s credits paid back earlier classes."}',
      p_paid_back, p_paid_back, p_granted) end
$$;
