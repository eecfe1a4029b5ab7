"""Learns from RabbitMQ which accounts are active.

A product behind the signup service does three things: it keeps a durable queue of its own, it does
what an event asks for at most once per `id`, and it acknowledges an event only when that is done.
Whatever crashes in between, the event comes again.
"""

import json
import os
import sys
import time

import pika
from pika.exceptions import AMQPError

# What this product waits for. The routing keys never have a prefix, whatever the types have.
ROUTING_KEYS = ["user.activated", "user.deleted"]
RECONNECT_DELAY = 1.0
# How many events are in hand at once.
PREFETCH = 16

URL = os.environ.get("AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/%2f")
EXCHANGE = os.environ.get("EXCHANGE", "registration")
QUEUE = os.environ.get("QUEUE", "product.registrations")

# Stands for the product's database. There, the identifiers of events are a table with a unique key,
# written in the transaction of what the event causes, so that they outlast the process.
seen = set()


def apply(routing_key, event):
    if event["id"] in seen:
        print(f"duplicate {event['id']}", flush=True)
        return
    user_id = event["data"]["user_id"]
    words = {"user.activated": "active", "user.deleted": "deleted"}
    print(f"{words.get(routing_key, 'ignored')} {user_id}", flush=True)
    seen.add(event["id"])


def handle(channel, method, _properties, body):
    try:
        event = json.loads(body)
        apply(method.routing_key, event)
    except (ValueError, KeyError, TypeError) as error:
        # Never to be understood: with a dead-letter exchange on the queue it would be kept.
        print(f"not an event: {error!r}", file=sys.stderr)
        channel.basic_nack(method.delivery_tag, requeue=False)
        return
    channel.basic_ack(method.delivery_tag)


def consume():
    """Takes events until the connection is lost."""
    connection = pika.BlockingConnection(pika.URLParameters(URL))
    channel = connection.channel()
    # A durable queue keeps the events that come while no consumer runs.
    channel.queue_declare(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
    for key in ROUTING_KEYS:
        channel.queue_bind(QUEUE, EXCHANGE, key)
    channel.basic_qos(prefetch_count=PREFETCH)
    channel.basic_consume(QUEUE, handle)
    print("waiting for events", flush=True)
    channel.start_consuming()


while True:
    try:
        consume()
    except AMQPError as error:
        print(f"{error!r}; connecting again", file=sys.stderr)
    time.sleep(RECONNECT_DELAY)
