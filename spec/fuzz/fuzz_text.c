/* Arbitrary bytes as text, through a tokenizer that the first of them chooses from a folder: the
 * corpus of tokenizer.json, or what FUZZ_FOLDER names. Whole texts through all steps must give what
 * stretches give. */
#include <dirent.h>
#include <stdio.h>

#include "fuzz.h"
#include "text/tokenizer.h"

enum { MOST = 32 };
static yoso_tokenizer *quick[MOST], *whole[MOST];
static int count;

static void load_all(void)
{
    const char *folder = getenv("FUZZ_FOLDER");
    if (folder == NULL)
        folder = "spec/fuzz/corpus/json";
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir != NULL && count < MOST && (entry = readdir(dir)) != NULL;) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] == '.' || yoso_tokenizer_load(&quick[count], path) != YOSO_OK)
            continue;
        fuzz_require(yoso_tokenizer_load(&whole[count], path) == YOSO_OK);
        whole[count]->chunking.kind = YO_CHUNK_NONE;
        count++;
    }
    if (dir != NULL)
        closedir(dir);
    fuzz_require(count > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (count == 0)
        load_all();
    if (size == 0)
        return 0;
    const char *text = (const char *)data + 1;
    int64_t length = (int64_t)size - 1;
    int chosen = data[0] % count;
    for (int variant = 0; variant < FUZZ_VARIANTS; variant++) {
        yoso_encoding *a = fuzz_encode(quick[chosen], variant, text, length);
        yoso_encoding *b = fuzz_encode(whole[chosen], variant, text, length);
        fuzz_same(a, b);
        yoso_encoding_free(a);
        yoso_encoding_free(b);
    }
    fuzz_all(quick[chosen], text, length);
    return 0;
}
