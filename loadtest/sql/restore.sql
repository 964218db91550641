-- What a drill reads of a restored database.

-- name: settled_numbers
-- Everything that was settled, cancelled or reversed, to be held against the client's own book.
select t.setl_id
from settlement.settlement t;
