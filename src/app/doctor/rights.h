/* rights — which capabilities an action lacks, and the command that gives them. */
#ifndef KONN_APP_DOCTOR_RIGHTS_H
#define KONN_APP_DOCTOR_RIGHTS_H

#include <linux/capability.h>

#include "app/doctor/doctor.h"

#define RIGHT(cap_) ((uint64_t)1 << (cap_))

/*
 * The kernel has refused what needs these capabilities: appends to f->reason which of
 * them are lacking (or that none is, and who else may refuse), and sets the command
 * that would give them to konn.
 */
void rights_refused(struct finding *f, uint64_t needed);

#endif
