"""Ends well when each of the queues has somebody who takes from it: consumers.py AMQP_PORT QUEUE..."""
import sys

import amqp

port, *queues = sys.argv[1:]
with amqp.Connection(f'127.0.0.1:{port}') as connection:
    channel = connection.channel()
    sys.exit(not all(channel.queue_declare(queue, passive=True).consumer_count for queue in queues))
