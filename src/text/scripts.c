/* The scripts that UnicodeScripts tells apart. Hiragana and Katakana count as Han there. */
#include "text/pretokenizer.h"
#include "text/script_tables.h"

int yo_script_of(uint32_t c)
{
    size_t low = 0, high = sizeof yo_script_first / sizeof *yo_script_first;
    while (high - low > 1) { /* the last run that begins at or before c */
        size_t middle = (low + high) / 2;
        if (yo_script_first[middle] <= c)
            low = middle;
        else
            high = middle;
    }
    return yo_script_number[low];
}
