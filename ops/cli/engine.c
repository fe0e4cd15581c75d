/* The verbs that ask a running kuratord, or prepare one. */
#include "cli.h"
#include "client.h"
#include "lists.h"

const struct cli_verb cli_engine_verbs[] = {
    {"case", "list", "[--stage ЭТАП] [--process ПРОЦЕСС] [--territory КОД] [--state open|ended|parked] " CLIENT_USAGE,
     "Случаи: этап, состояние, ближайший срок.", list_cases},
    {"case", "show", "НОМЕР " CLIENT_USAGE, "Один случай: части, сроки с пояснением, направления, сбои.", case_show},
    {"case", "timeline", "НОМЕР " CLIENT_USAGE, "Что происходило со случаем: записи журнала.", case_timeline},
    {"deadline", "list", "[--state СОСТОЯНИЕ] [--owner РОЛЬ] [--id СРОК] [--case НОМЕР] [--before ДАТА] " CLIENT_USAGE,
     "Сроки по дате, ближайшие сверху.", list_deadlines},
    {"referral", "list", "[--status СОСТОЯНИЕ] [--to УЧАСТНИК] [--case НОМЕР] " CLIENT_USAGE, "Направления.",
     list_referrals},
    {"incident", "list", "[--all] [--case НОМЕР] " CLIENT_USAGE, "Сбои обработки, не разобранные или все.",
     list_incidents},
    {"incident", "retry", "НОМЕР-СЛУЧАЯ НОМЕР-СБОЯ " CLIENT_USAGE, "Обработать сообщение ещё раз.", incident_retry},
    {"incident", "resolve", "НОМЕР-СЛУЧАЯ НОМЕР-СБОЯ " CLIENT_USAGE, "Отметить сбой разобранным.", incident_resolve},
    {"participant", "list", "[--connected] " CLIENT_USAGE, "Участники: кто на связи, что ждёт.", list_participants},
    {"event", "submit",
     "--as УЧАСТНИК --event СОБЫТИЕ --case НОМЕР [--data JSON|@ФАЙЛ] [--occurred-at ВРЕМЯ] | --file ФАЙЛ.jsonl "
     "[--acting-for КТО] [--spool ФАЙЛ] [--wait СЕКУНД] [--deliveries ФАЙЛ] [--endpoint АДРЕС] [--keys ПАПКА]",
     "Отправить событие от имени участника и дождаться квитанции.", event_submit},
    {"journal", "export", "[--out ФАЙЛ] " CLIENT_USAGE, "Журнал как вход репетиции.", journal_export},
    {"person", "show", "НОМЕР [--reveal --reason ПРИЧИНА] " CLIENT_USAGE,
     "Персональные данные случая: есть ли они; с --reveal — какие. Просмотр остаётся в журнале.", person_show},
    {"person", "erase", "НОМЕР --reason ПРИЧИНА [--yes] " CLIENT_USAGE,
     "Стереть персональные данные случая безвозвратно: уничтожить их ключ.", person_erase},
    {"audit", "verify", "--data ПАПКА | --file ФАЙЛ, --keys КЛЮЧ.pub[,…]",
     "Проверить журнал без сервера: цепочку и подписи. Код 5 и первая нарушенная запись.", audit_verify_run},
    {"audit", "export", "[--out ФАЙЛ] " CLIENT_USAGE, "Выписка для проверки журнала: без данных, одни хеши и подписи.",
     audit_export_run},
    {"audit", "proof", "ЗАПИСЬ [--out ФАЙЛ] " CLIENT_USAGE, "Доказательство одной записи журнала, без остальных.",
     audit_proof_run},
    {"audit", "check-proof", "ФАЙЛ --keys КЛЮЧ.pub[,…] [--message ФАЙЛ]", "Проверить такое доказательство без сервера.",
     audit_check_proof_run},
    {"outcome", "export", "[--out ФАЙЛ] " CLIENT_USAGE, "Итог по всем случаям, теми же строками, что у репетиции.",
     outcome_export},
    {"watch", "", "[--after ЗАПИСЬ] " CLIENT_USAGE, "Следить за журналом.", journal_watch},
    {"clock", "show", CLIENT_USAGE, "Часы сервера.", clock_show},
    {"clock", "advance", "--to МОМЕНТ [--expect УЧАСТНИК,…] [--timeout СЕКУНД-БЕЗ-ДВИЖЕНИЯ] " CLIENT_USAGE,
     "Перевести виртуальные часы: срок за сроком, дожидаясь всех адаптеров.", clock_advance},
    {"status", "", CLIENT_USAGE, "Состояние сервера.", status_show},
    {"config", "check", "[--config ПАПКА] [--processes ПАПКА]", "Проверить настройки и схемы процессов.", config_check},
    {"keys", "generate",
     "--out ПАПКА [--server] [--participant ИМЯ,…] [--operator ИМЯ,…] [--agent ИМЯ,…] [--privacy] [--register "
     "ПАПКА-СЕРВЕРА] "
     "[--shared ФАЙЛ]",
     "Создать ключи и внести открытые в реестр сервера.", keys_generate},
    {NULL, NULL, NULL, NULL, NULL},
};
