/* table_check — what must hold in a flow table between two calls, whatever was fed. */
#ifndef KONN_TEST_TABLE_CHECK_H
#define KONN_TEST_TABLE_CHECK_H

#include "flow/pool.h"

/* NULL, or which rule is broken. Looks at every record. */
const char *table_check(struct flow_table *t);

/* And at every slot of the index. */
const char *table_check_all(struct flow_table *t);

#endif
