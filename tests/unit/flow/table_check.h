/* table_check — what must hold in a flow table between two calls, whatever was fed. */
#ifndef KONN_TEST_TABLE_CHECK_H
#define KONN_TEST_TABLE_CHECK_H

#include "flow/pool.h"

/* NULL, or which rule is broken. Slow: looks at every record and index slot. */
const char *table_check(struct flow_table *t);

#endif
