#include "text/pretokenizer.h"
int yo_script_of(uint32_t c)
{
    (void)c;
    return 1;
}
