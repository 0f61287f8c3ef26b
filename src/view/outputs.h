/* outputs — every view of the build's list; an output NAME.c defines `view_NAME`. */
#ifndef KONN_VIEW_OUTPUTS_H
#define KONN_VIEW_OUTPUTS_H

#include "view/view.h"

#define VIEW(name_) extern const struct view view_##name_;
#include "view/generated_outputs.def"
#undef VIEW

#endif
