/* The four normal forms of Unicode, character by character with the change each makes. */
#ifndef YO_TEXT_NORMALIZE_FORM_H
#define YO_TEXT_NORMALIZE_FORM_H

#include "text/aligned.h"

/* Appends the normal form of all of `in`. */
yoso_status yo_normal_form(const yo_view_text *in, uint32_t from, bool compatibility, bool composed,
                           yo_aligned *out);

#endif
