/* What kernels keep beside a storage because making it is dear: a weight packed for the matrix
 * product, for one. An entry belongs to one view of the storage, is made anew when the storage's
 * version has moved on, and goes with the storage. */
#ifndef YO_CORE_DERIVED_H
#define YO_CORE_DERIVED_H

#include "kernels.h"

struct yo_derived {
    yo_derived *next;
    int32_t kind;    /* which maker made it */
    int64_t version; /* of the storage when it was made */
    yo_view source;
    void (*release)(yo_derived *derived);
};

/* Makes an entry for source; sets kind and release, nothing else of the fields above. */
typedef yoso_status (*yo_derived_make)(yo_derived **out, const yo_view *source);

/* The entry of `kind` for source in the storage's list, made by make() if there is none of this
 * version. It stays valid until the storage changes or is freed. Safe from any thread. */
yoso_status yo_derived_find(yo_derived **out, const yo_weight *weight, int32_t kind,
                            yo_derived_make make);

/* Releases a whole list, when its storage goes. */
void yo_derived_release(yo_derived *list);

#endif
