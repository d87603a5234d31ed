-- What an entry does to its contact's balances. What is owed is a negative side: it grows when
-- credits leave the bucket.
create or replace function kotally.move_balance(p_balance kotally.balances, p_entry kotally.new_entry)
returns kotally.balances language plpgsql immutable as $$
declare
  v_amount bigint := p_entry.amount;
begin
  case p_entry.from_bucket
    when 'available' then p_balance.available := p_balance.available - v_amount;
    when 'held' then p_balance.held := p_balance.held - v_amount;
    when 'suspended' then p_balance.suspended := p_balance.suspended - v_amount;
    when 'owed' then p_balance.owed := p_balance.owed + v_amount;
    else null;
  end case;
  case p_entry.to_bucket
    when 'available' then p_balance.available := p_balance.available + v_amount;
    when 'held' then p_balance.held := p_balance.held + v_amount;
    when 'suspended' then p_balance.suspended := p_balance.suspended + v_amount;
    when 'owed' then p_balance.owed := p_balance.owed - v_amount;
    else null;
  end case;
  return p_balance;
end;
$$;
