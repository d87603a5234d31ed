-- A sum that stays a bigint. The sum that is built in makes a numeric of it, which costs more than
-- everything else that is done to a lot.
create or replace aggregate kotally.total(bigint) (sfunc = int8pl, stype = bigint, initcond = '0');
