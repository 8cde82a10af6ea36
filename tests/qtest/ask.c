/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions to QEMU through QMP.  See ask.h */
#include "qemu/osdep.h"
#include "qobject/qjson.h"
#include "qobject/qnum.h"
#include "ask.h"

QDict *ask(Bench *b, const char *command)
{
    QDict *reply = qtest_qmp(b->qts, "%p", qobject_from_json(command, NULL));
    QDict *result;

    g_assert_true(qdict_haskey(reply, "return"));
    result = qdict_get_qdict(reply, "return");
    qobject_ref(result);
    qobject_unref(reply);
    return result;
}

QList *ask_list(Bench *b, const char *command)
{
    QDict *reply = qtest_qmp(b->qts, "%p", qobject_from_json(command, NULL));
    QList *result;

    g_assert_true(qdict_haskey(reply, "return"));
    result = qdict_get_qlist(reply, "return");
    qobject_ref(result);
    qobject_unref(reply);
    return result;
}

QDict *ask_for(Bench *b, const char *format, ...)
{
    g_autofree char *command = NULL;
    va_list ap;

    va_start(ap, format);
    command = g_strdup_vprintf(format, ap);
    va_end(ap);
    return ask(b, command);
}

void assert_refused(Bench *b, const char *command, const char *why)
{
    QDict *reply = qtest_qmp(b->qts, "%p", qobject_from_json(command, NULL));
    QDict *error = qdict_get_qdict(reply, "error");

    g_assert_nonnull(error);
    g_assert_cmpstr(qdict_get_str(error, "desc"), ==, why);
    qobject_unref(reply);
}

uint64_t number(const QDict *d, const char *key)
{
    return qnum_get_uint(qobject_to(QNum, qdict_get(d, key)));
}

static QObject *item(const QList *list, unsigned int n)
{
    const QListEntry *entry = qlist_first(list);

    while (n--) {
        g_assert_nonnull(entry);
        entry = qlist_next(entry);
    }
    g_assert_nonnull(entry);
    return qlist_entry_obj(entry);
}

uint64_t word(const QList *list, int n)
{
    return qnum_get_uint(qobject_to(QNum, item(list, n)));
}

QDict *row(const QDict *d, const char *key, unsigned int n)
{
    return qobject_to(QDict, item(qdict_get_qlist(d, key), n));
}

unsigned int rows(const QDict *d, const char *key)
{
    return qlist_size(qdict_get_qlist(d, key));
}
