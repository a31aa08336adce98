/* Arbitrary bytes as text, through all tokenizers of a folder: the corpus of tokenizer.json, or
 * what FUZZ_FOLDER names. Whole texts through all steps must give what stretches give. */
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
    const char *text = (const char *)data;
    for (int i = 0; i < count; i++) {
        for (int variant = 0; variant < FUZZ_VARIANTS; variant++) {
            yoso_encoding *a = fuzz_encode(quick[i], variant, text, (int64_t)size);
            yoso_encoding *b = fuzz_encode(whole[i], variant, text, (int64_t)size);
            fuzz_same(a, b);
            yoso_encoding_free(a);
            yoso_encoding_free(b);
        }
        fuzz_all(quick[i], text, (int64_t)size);
    }
    return 0;
}
