/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes the manual page amdvi-layouts(7): all registers and structures, out
 * of the same tables that the device model and the tools are made of.
 */
#include "form.h"
#include "text.h"

#include <inttypes.h>
#include <stdio.h>

static const char head[] =
    ".\\\" SPDX-License-Identifier: GPL-2.0-or-later\n"
    ".Dd November 21, 2026\n"
    ".Dt AMDVI-LAYOUTS 7\n"
    ".Os amdvi %s\n"
    ".Sh NAME\n"
    ".Nm amdvi-layouts\n"
    ".Nd registers and structures of the AMD IOMMU, bit by bit\n"
    ".Sh DESCRIPTION\n"
    "What\n"
    ".Xr amdvi-inspect 1\n"
    "and the model of the IOMMU know of the architecture.\n"
    "Each field has its bits, where those that are the most significant of\n"
    "its value come first; its name in the manual of the IOMMU; the key that\n"
    "it has in JSON; and its meaning.\n"
    "Bits of a structure are counted through its 64-bit words.\n"
    "Bits that are not listed are reserved, or are not looked at.\n";

static const char tail[] =
    ".Sh SEE ALSO\n"
    ".Xr amdvi-inspect 1 ,\n"
    ".Xr amdvi-check 7\n";

/* Titles of sections, by enum amdvi_family */
static const char *const families[] = {
    [AMDVI_FAMILY_REGISTER] = "MMIO REGISTERS",
    [AMDVI_FAMILY_PCI] = "PCI CAPABILITY",
    [AMDVI_FAMILY_DTE] = "DEVICE TABLE",
    [AMDVI_FAMILY_GCR3] = "GCR3 TABLES",
    [AMDVI_FAMILY_HOST] = "HOST PAGE TABLES",
    [AMDVI_FAMILY_GUEST] = "GUEST PAGE TABLES",
    [AMDVI_FAMILY_COMMAND] = "COMMANDS",
    [AMDVI_FAMILY_EVENT] = "EVENT LOG",
    [AMDVI_FAMILY_PPR] = "PPR LOG",
    [AMDVI_FAMILY_GA] = "GUEST VIRTUAL APIC LOG",
    [AMDVI_FAMILY_IRTE32] = "INTERRUPT REMAPPING TABLES OF 32 BITS",
    [AMDVI_FAMILY_IRTE128] = "INTERRUPT REMAPPING TABLES OF 128 BITS",
};

/* Words of our own tables; only what mdoc would take for a request */
static void put_text(const char *text)
{
    if (*text == '.' || *text == '\'') {
        fputs("\\&", stdout);
    }
    for (; *text; text++) {
        if (*text == '\\') {
            fputs("\\e", stdout);
        } else {
            putchar(*text);
        }
    }
}

/* A sentence out of a title or meaning, which has no capital and no stop */
static void put_sentence(const char *text)
{
    put_text(text);
    puts(".");
}

static void put_values(const struct amdvi_field *field)
{
    for (const struct amdvi_value *v = field->values; v && v->word; v++) {
        printf(".br\n%d is ", v->value);
        put_sentence(v->word);
    }
}

static void put_field(const struct amdvi_form_line *line)
{
    char key[AMDVI_FIELD_TEXT];

    /* "\\&": names like En are requests, too */
    printf(".It %s Cm \"\\&%s\" Pq Li \\&%s\n", line->bits,
           line->field->name, amdvi_key(line->field->id, key));
    put_sentence(line->field->meaning);
    if (line->missing) {
        printf("Needs\n.Cm \"\\&%s\" .\n", line->missing);
    }
    if (line->field->kind == AMDVI_KIND_ENUM) {
        put_values(line->field);
    }
}

static void put_layout(const struct amdvi_layout *layout)
{
    static const struct amdvi_features none;
    const uint64_t words[AMDVI_MAX_WORDS] = { 0 };
    struct amdvi_form_line line;
    char key[AMDVI_FIELD_TEXT];

    printf(".Ss \"\\&%s\" Pq Li \\&%s\n", layout->name,
           amdvi_key(layout->id, key));
    put_sentence(layout->title);
    printf("%d bits", layout->bits);
    if (layout->family == AMDVI_FAMILY_REGISTER) {
        printf(" at %04" PRIX32 "h, after a reset 0x%" PRIx64,
               layout->offset, layout->reset);
    }
    puts(".");
    puts(".Bl -tag -width Ds");
    for (int i = 0; i < layout->nfields; i++) {
        if (amdvi_form_line(layout, i, words, &none, &line)) {
            put_field(&line);
        }
    }
    puts(".El");
}

int main(void)
{
    int family = -1;

    printf(head, amdvi_version());
    for (int i = 0; i < AMDVI_NUM_LAYOUTS; i++) {
        const struct amdvi_layout *layout = &amdvi_layouts[i];

        if ((int)layout->family != family) {
            family = (int)layout->family;
            printf(".Sh %s\n", families[family]);
        }
        put_layout(layout);
    }
    fputs(tail, stdout);
    return ferror(stdout) || fflush(stdout) != 0;
}
