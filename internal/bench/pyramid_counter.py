"""A page that counts its visits in Pyramid's signed session, on waitress.

It prints its address, what it is made of, and then for every line it reads how
many nanoseconds of processor time it has used. It ends with its input.
"""
import logging
import platform
import sys
import threading
import time
from importlib.metadata import version

from pyramid.config import Configurator
from pyramid.response import Response
from pyramid.session import SignedCookieSessionFactory
from waitress.server import create_server


def counter(request):
    session = request.session
    session['counter'] = session.get('counter', 0) + 1
    return Response('<p>You were here %d times.</p>' % session['counter'])


def main():
    # More clients than threads is what is measured: no line in a log for each.
    logging.getLogger('waitress.queue').setLevel(logging.ERROR)
    with Configurator(session_factory=SignedCookieSessionFactory(sys.argv[1])) as config:
        config.add_route('counter', '/')
        config.add_view(counter, route_name='counter')
        server = create_server(config.make_wsgi_app(), host='127.0.0.1', port=0)
    threading.Thread(target=server.run, daemon=True).start()
    print('127.0.0.1:%s' % server.effective_port)
    print('Pyramid %s, waitress %s, Python %s' % (version('pyramid'), version('waitress'), platform.python_version()))
    for _ in sys.stdin:
        print(time.process_time_ns())


if __name__ == '__main__':
    main()
