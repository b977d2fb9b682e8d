"""Runs a program of Nova that is unpacked and not installed: run-nova.py api|conductor|scheduler|compute|migrate CONFIG"""
import importlib
import os
import sys

program, config = sys.argv[1:]
sys.argv = [f'nova-{program}', '--config-file', config]


def migrate():
    """Makes the tables of nova_api, nova_cell0 and nova, and one cell for all instances."""
    from nova import config, objects
    from nova.cmd import manage
    config.parse_args(sys.argv)
    objects.register_all()
    cells = manage.CellV2Commands()
    return (manage.ApiDbCommands().sync() or cells.map_cell0() or cells.create_cell(name='cell1')
            or manage.DbCommands().sync())


if program == 'migrate':
    sys.exit(migrate())
if program == 'compute':
    import nova.virt
    nova.virt.__path__.append(os.path.dirname(__file__))  # for hypervisor.py
sys.exit(importlib.import_module(f'nova.cmd.{program}').main())
