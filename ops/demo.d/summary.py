"""The summary of a run: what a head of the Resource Centre wants to know, as JSON and for a reader.

The JSON form is described in summary.schema.json.
"""

import datetime as dt
import textwrap
from collections import Counter

STAGES = ["information", "problems", "acceptance", "implementation", "ending"]
STAGE_TITLES = {
    "information": "Первичная информация", "problems": "Выявление проблем",
    "acceptance": "Принятие на сопровождение", "implementation": "Реализация программы", "ending": "Завершение",
    "": "не определена",
}
OUTCOMES = ["offered", "delivered", "accepted", "appointed", "not_kept", "in_progress", "on_hold", "completed", "no_right", "unavailable",
            "declined", "cancelled", "expired", "unroutable"]
OUTCOME_TITLES = {
    "offered": "направлено", "delivered": "доставлено", "accepted": "принято", "appointed": "приём назначен", "not_kept": "приём не состоялся",
    "in_progress": "в работе",
    "on_hold": "отложено", "completed": "помощь получена", "no_right": "нет права",
    "unavailable": "нет возможности", "declined": "отклонено", "cancelled": "отменено", "expired": "нет ответа",
    "unroutable": "нет исполнителя", "": "не направлено",
}
STATES = ["met", "met-reported-late", "missed", "open", "provisional", "paused", "cancelled"]
STATE_TITLES = {
    "met": "исполнено в срок", "met-reported-late": "исполнено в срок, сообщено позже", "missed": "срок нарушен",
    "open": "на контроле", "provisional": "на контроле (предварительно)", "paused": "приостановлено",
    "cancelled": "снято с контроля",
}
GROUND_TITLES = {
    "completed": "мероприятия выполнены в полном объёме", "imprisoned": "новый приговор и лишение свободы",
    "departed": "выезд за пределы округа", "refused": "личное заявление об отказе", "died": "смерть гражданина",
    "impossible": "результат недостижим (решение рабочей группы)", "wish": "желание гражданина",
    "not-continued": "решение не продолжать", "no-need": "нет потребности", "no-consent": "нет согласия",
    "not-arrived": "не прибыл", "not-recognised": "не признан нуждающимся",
}
DEADLINE_TITLES = {
    "measure": "Мероприятия", "pre-release-work": "Работа до освобождения", "address-visit": "Выезд до освобождения",
    "repeat-visit": "Повторный выезд", "to-working-group": "Проект в рабочую группу",
    "programme-approval": "Утверждение программы", "implementation-start": "Начало реализации",
    "interim-assessment": "Промежуточная оценка", "final-monitoring": "Мониторинг результатов",
    "continue-decision": "Решение о продолжении или завершении", "term-end": "Завершение срока",
    "issue-next-sitting": "Вопрос к заседанию", "referral-response": "Ответ на направление",
    "referral-start": "Первый шаг исполнителя", "appointment": "Состоялся ли приём", "new-appointment": "Новый приём",
    "hold-review": "Возврат к отложенному", "reassign": "Назначение исполнителя вручную",
    "monthly-report": "Ежемесячная информация организаций", "quarterly-registry": "Реестр за квартал",
    "quarterly-review": "Итоги квартала рабочей группы", "extra-sitting": "Заседание до срока утверждения",
}
REASON_TITLES = {
    "refused": "сообщение не принято", "unroutable": "исполнитель не найден", "script-error": "ошибка в схеме процесса",
    "event-not-taken": "событие некому принять",
}
KIND_TITLES = {
    "ufsin": "УФСИН", "health": "Здравоохранение", "employment": "Занятость населения",
    "working_group": "Рабочая группа", "uszn": "УСЗН", "provider": "Организации социального обслуживания",
    "executor": "Организации-исполнители (НКО, ИП)", "": "Исполнитель ещё не назван",
}


def plural(number, one, few, many):
    if number % 10 == 1 and number % 100 != 11:
        return one
    if 2 <= number % 10 <= 4 and not 12 <= number % 100 <= 14:
        return few
    return many


def date_ru(text):
    return dt.date.fromisoformat(text[:10]).strftime("%d.%m.%Y") if text else "—"


def ordered(counter, order):
    keys = order + sorted(key for key in counter if key not in order)
    return {key: counter[key] for key in keys if counter[key]}


def delay_days(deadline, until):
    """Days from the due date to the day it was done after all, or to the end of the run."""
    end = deadline.get("done_on") or until.isoformat()
    return (dt.date.fromisoformat(end[:10]) - dt.date.fromisoformat(deadline["due"])).days


def worst(deadlines, until, count=10):
    """The longest delays. A deadline that nobody could have met (the notice itself came too late) is nobody's delay."""
    missed = [row for row in deadlines if row["state"] == "missed" and row.get("counted", True)]
    missed.sort(key=lambda row: (-delay_days(row, until), row["case"], row["id"]))
    return missed[:count]


def summarise(outcome, delays, participants, notices_rows, journal, until, first):
    """`outcome`: lines of `kurator outcome export`; `delays`: rows of `kurator case show`, longest delay first."""
    roots = {}
    for line in outcome:
        # What an organisation owes each month is a case too (its number begins with its process), but nobody's.
        if line["type"] == "case" and not line["case"].startswith(line["process"] + "."):
            roots.setdefault(line["case"], line)
    referrals = [line for line in outcome if line["type"] == "referral"]
    lines = [line for line in outcome if line["type"] == "deadline"]
    processes = {(line["case"], line["id"], line["due"]): line["process"] for line in lines}
    by_agency = {}
    for line in referrals:
        kind = participants.get(line.get("to") or "", {}).get("kind", "")
        by_agency.setdefault(kind, Counter())[line["status"]] += 1
    return {
        "period": {"from": first.isoformat(), "until": until.isoformat()},
        "notices": {"rows": notices_rows},
        "journal": journal,
        "cases": {
            "total": len(roots),
            "by_stage": ordered(Counter(line.get("stage") or "" for line in roots.values()), STAGES),
            "by_ground": ordered(Counter(line["ground"] for line in roots.values() if line.get("ground")), []),
            "open": sum(1 for line in roots.values() if not line.get("ground")),
        },
        "referrals": {
            "total": len(referrals),
            "by_outcome": ordered(Counter(line["status"] for line in referrals), OUTCOMES),
            "by_agency": {kind: ordered(by_agency[kind], OUTCOMES) for kind in sorted(by_agency)},
        },
        "deadlines": {
            "total": len(lines),
            "by_state": ordered(Counter(line["state"] for line in lines), STATES),
            "by_id": {name: ordered(Counter(line["state"] for line in lines if line["id"].split(":")[0] == name), STATES)
                      for name in sorted({line["id"].split(":")[0] for line in lines})},
        },
        "incidents": {
            "total": sum(1 for line in outcome if line["type"] == "incident"),
            "by_reason": ordered(Counter(line["reason"] for line in outcome if line["type"] == "incident"), []),
        },
        "worst_delays": [{
            "case": row["case"].split("/")[0],
            "process": processes[row["case"].split("/")[0], row["id"], row["due"]],
            "id": row["id"], "title": row.get("title", ""), "due": row["due"], "done_on": row.get("done_on"),
            "days": delay_days(row, until), "basis": row["basis"], "explanation": row["explanation"],
        } for row in delays],
    }


def table(rows, indent="  "):
    """Two or more columns, the first to the left, numbers to the right."""
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]))] if rows else []
    return ["%s%s" % (indent, "  ".join(str(cell).ljust(width) if i == 0 else str(cell).rjust(width)
                                        for i, (cell, width) in enumerate(zip(row, widths)))) for row in rows]


def share(part, whole):
    return "%.1f %%" % (100 * part / whole) if whole else "—"


def render(summary):
    """The summary as lines for a person."""
    cases, referrals, deadlines = summary["cases"], summary["referrals"], summary["deadlines"]
    total = cases["total"]
    lines = ["", "ИТОГИ СОЦИАЛЬНОГО СОПРОВОЖДЕНИЯ с %s по %s" %
             (date_ru(summary["period"]["from"]), date_ru(summary["period"]["until"])), ""]
    lines += ["Случаи: %d" % total]
    lines += table([(STAGE_TITLES.get(stage, stage), count, share(count, total))
                    for stage, count in cases["by_stage"].items()])
    if cases["by_ground"]:
        lines += ["", "Чем завершились"]
        lines += table([(GROUND_TITLES.get(ground, ground), count) for ground, count in cases["by_ground"].items()])
    lines += ["", "Направления: %d" % referrals["total"]]
    for kind, outcomes in referrals["by_agency"].items():
        lines.append("  %s: %d" % (KIND_TITLES.get(kind, kind), sum(outcomes.values())))
        lines += table([(OUTCOME_TITLES.get(status, status), count) for status, count in outcomes.items()], "    ")
    lines += ["", "Сроки: %d" % deadlines["total"]]
    lines += table([(STATE_TITLES.get(state, state), count, share(count, deadlines["total"]))
                    for state, count in deadlines["by_state"].items()])
    lines += ["", "Нарушения по видам сроков"]
    lines += table([(DEADLINE_TITLES.get(name, name), states.get("missed", 0), "из %d" % sum(states.values()))
                    for name, states in deadlines["by_id"].items() if states.get("missed")])
    if summary["incidents"]["total"]:
        lines += ["", "На разборе: %d" % summary["incidents"]["total"]]
        lines += table([(REASON_TITLES.get(reason, reason), count)
                        for reason, count in summary["incidents"]["by_reason"].items()])
    lines += ["", "Десять наибольших задержек"]
    for number, row in enumerate(summary["worst_delays"], 1):
        done = "исполнено %s" % date_ru(row["done_on"]) if row["done_on"] else "не исполнено"
        lines.append("  %2d. Случай %s: %s — %d %s, %s" % (
            number, row["case"], row["title"] or row["id"], row["days"],
            plural(row["days"], "день", "дня", "дней"), done))
        lines += textwrap.wrap("Срок до %s: %s" % (date_ru(row["due"]), row["explanation"]), 110,
                               initial_indent=" " * 6, subsequent_indent=" " * 6)
    return "\n".join(lines)
