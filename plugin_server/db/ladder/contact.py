"""How people answer, as SQL: mails, clicks, topics, their latest good review, friends, what they said, points."""

from __future__ import annotations

from plugin_server.db.models.habits import CustomerContact

TABLE = CustomerContact.__table__


def query(*, some: bool, then: bool) -> str:
    """The contact facts of all customers or of ``:ids``; now, or as of ``:at``. Who has none has no row.

    Opens and clicks that a machine made (a mail program that fetches every picture, a scanner that follows every link)
    count for nothing but ``machine_opens``.
    """
    at = "AND {column} <= :at" if then else ""

    def only(column: str = "customer_id") -> str:
        return f"AND {column} = ANY(:ids)" if some else ""

    def until(column: str) -> str:
        return at.format(column=column)

    return f"""
    WITH mail AS (
        SELECT m.id, m.customer_id, m.accepted_at FROM message m
        WHERE m.accepted_at IS NOT NULL {until("m.accepted_at")} {only("m.customer_id")}
    ), report AS (
        SELECT m.id, min(e.occurred_at) FILTER (WHERE e.kind = 'clicked' AND NOT e.machine) AS clicked,
            bool_or(e.kind = 'opened' AND NOT e.machine) AS opened, bool_or(e.kind = 'opened' AND e.machine) AS fetched
        FROM mail m JOIN delivery_event e ON e.message_id = m.id AND e.kind IN ('clicked', 'opened')
            {until("e.occurred_at")}
        GROUP BY m.id
    ), answer AS (
        SELECT customer_id, count(*)::int AS mails, count(clicked)::int AS mail_clicks, max(clicked) AS last_click_at,
            count(*) FILTER (WHERE last_click IS NULL OR accepted_at > last_click)::int AS mails_since_click,
            count(*) FILTER (WHERE opened OR clicked IS NOT NULL)::int AS mail_opens,
            count(*) FILTER (WHERE fetched AND NOT coalesce(opened, false) AND clicked IS NULL)::int AS machine_opens
        FROM (SELECT m.customer_id, m.accepted_at, r.clicked, r.opened, r.fetched,
                  max(r.clicked) OVER (PARTITION BY m.customer_id) AS last_click
              FROM mail m LEFT JOIN report r USING (id)) AS each
        GROUP BY customer_id
    ), topic AS (
        SELECT customer_id,
            array_agg(topic ORDER BY topic) FILTER (WHERE state = 'subscribed') AS yes,
            array_agg(topic ORDER BY topic) FILTER (WHERE state = 'unsubscribed') AS no
        FROM (SELECT DISTINCT ON (customer_id, topic) customer_id, topic, state FROM consent
              WHERE channel = 'email' {until("occurred_at")} {only()}
              ORDER BY customer_id, topic, occurred_at DESC, id DESC) AS newest
        GROUP BY customer_id
    ), {_spoke_for_us(until("written_at"), only(), until("joined_at"), only("advocate_id"))},
    {_said(until("answered_at"), only())},
    {_wrote(until("m.written_at"), only("c.customer_id"), until("happened_at"), only())}
    SELECT CAST(:merchant_id AS bigint) AS merchant_id, customer_id, coalesce(mails, 0) AS mails,
        coalesce(mail_clicks, 0) AS mail_clicks, last_click_at, coalesce(mails_since_click, 0) AS mails_since_click,
        coalesce(mail_opens, 0) AS mail_opens, coalesce(machine_opens, 0) AS machine_opens,
        coalesce(yes, '{{}}') AS topics_yes, coalesce(no, '{{}}') AS topics_no, last_review_at,
        coalesce(referrals_made, 0) AS referrals_made, nps_score, nps_at, last_answer_at,
        coalesce(favourites, '{{}}') AS favourites, coalesce(points, 0)::bigint AS points,
        coalesce(replies, 0) AS replies, last_reply_at
    FROM answer FULL JOIN topic USING (customer_id) FULL JOIN praise USING (customer_id)
    FULL JOIN friend USING (customer_id) FULL JOIN said USING (customer_id)
    FULL JOIN letter USING (customer_id) FULL JOIN account USING (customer_id)"""


def _spoke_for_us(written: str, writers: str, joined: str, advocates: str) -> str:
    """The newest good review, and how many friends came."""
    return f"""praise AS (
        SELECT customer_id, max(written_at) AS last_review_at FROM testimonial
        WHERE approved AND rating >= 4 AND customer_id IS NOT NULL {written} {writers} GROUP BY customer_id
    ), friend AS (
        SELECT advocate_id AS customer_id, count(*)::int AS referrals_made FROM referral
        WHERE true {joined} {advocates} GROUP BY advocate_id
    )"""


def _said(until: str, only: str) -> str:
    """What people answered when they were asked: the last score, and what they like."""
    return f"""told AS (
        SELECT customer_id, max(answered_at) AS last_answer_at,
            (array_agg(score ORDER BY answered_at DESC, id DESC) FILTER (WHERE score IS NOT NULL))[1]::numeric(4, 1)
                AS nps_score,
            max(answered_at) FILTER (WHERE score IS NOT NULL) AS nps_at,
            max(id) FILTER (WHERE question = 'preferences') AS liked
        FROM survey_answer WHERE true {until} {only} GROUP BY customer_id
    ), said AS (
        SELECT t.customer_id, t.last_answer_at, t.nps_score, t.nps_at, a.choices AS favourites
        FROM told t LEFT JOIN survey_answer a ON a.id = t.liked
    )"""


def _wrote(written: str, writers: str, happened: str, owners: str) -> str:
    """Their own letters to the shop, and what their points add up to: spendable and pending, less what is owed."""
    return f"""letter AS (
        SELECT c.customer_id, count(*)::int AS replies, max(m.written_at) AS last_reply_at
        FROM conversation c JOIN conversation_message m ON m.conversation_id = c.id AND m.direction = 'in'
        WHERE c.customer_id IS NOT NULL {written} {writers} GROUP BY c.customer_id
    ), account AS (
        SELECT customer_id, sum(points) AS points FROM point_entry
        WHERE true {happened} {owners} GROUP BY customer_id HAVING sum(points) <> 0
    )"""
