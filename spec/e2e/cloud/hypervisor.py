from nova import context, objects
from nova.virt import fake


class Hypervisor(fake.FakeDriver):
    """Nova's own make-believe hypervisor, but one whose instances go on running while nova-compute is restarted."""

    def init_host(self, host):
        super().init_host(host)
        for instance in objects.InstanceList.get_by_host(context.get_admin_context(), host, ['info_cache']):
            self.instances[instance.uuid] = fake.FakeInstance(instance.name, instance.power_state, instance.uuid)
            self._interfaces.update((interface['id'], interface) for interface in instance.get_network_info())
