/* Arbitrary bytes as text, through tokenizers of every family that the corpus folder holds. */
#include <dirent.h>
#include <stdio.h>

#include "fuzz.h"

enum { MOST = 16 };
static yoso_tokenizer *tokenizers[MOST];
static int count;

static void load_all(void)
{
    const char *folder = "spec/fuzz/corpus/json";
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir != NULL && count < MOST && (entry = readdir(dir)) != NULL;) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.' && yoso_tokenizer_load(&tokenizers[count], path) == YOSO_OK)
            count++;
    }
    if (dir != NULL)
        closedir(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (count == 0)
        load_all();
    for (int i = 0; i < count; i++)
        fuzz_encode(tokenizers[i], (const char *)data, (int64_t)size);
    return 0;
}
