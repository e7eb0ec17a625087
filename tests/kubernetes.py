"""Looks at contrib/kubernetes: whether names, ports and times agree.

kubernetes.py FILE ...                 complaints, and status 1
kubernetes.py --data MAP KEY FILE ...  what the ConfigMap holds under that key
kubernetes.py --probe CONTAINER KIND FILE ...  the words of its command, one a line
kubernetes.py --metrics FILE ...          what the rules for the autoscaler are made of, one a line
"""

import re
import sys

import yaml

complaints = []


def expect(is_so, sentence):
    if not is_so:
        complaints.append(sentence)


def load(paths):
    objects = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            objects += [one for one in yaml.safe_load_all(file) if one and "kind" in one]
    return objects


def of_kind(objects, kind):
    return {one["metadata"]["name"]: one for one in objects if one["kind"] == kind}


def containers_of(deployment):
    pod = deployment["spec"]["template"]["spec"]
    return pod.get("initContainers", []) + pod["containers"]


def seconds(ini, key):
    found = re.search(rf"^{key}\s*=\s*(\d+)s$", ini, re.MULTILINE)
    return int(found.group(1)) if found else 10


def look_at_container(name, container, pod):
    security = container["securityContext"]
    expect(security["readOnlyRootFilesystem"], f"{name}: its root can be written to")
    expect(not security["allowPrivilegeEscalation"], f"{name}: it can gain privileges")
    expect(security["capabilities"]["drop"] == ["ALL"], f"{name}: it has capabilities")
    volumes = {volume["name"] for volume in pod["volumes"]}
    for mount in container["volumeMounts"]:
        expect(mount["name"] in volumes, f"{name}: there is no volume {mount['name']}")


def look_at_deployment(name, deployment, maps):
    spec = deployment["spec"]
    pod = spec["template"]["spec"]
    labels = spec["template"]["metadata"]["labels"]
    expect(spec["selector"]["matchLabels"].items() <= labels.items(), f"{name}: selects others")
    expect(pod["securityContext"]["runAsNonRoot"], f"{name}: may be root")
    expect(pod["securityContext"]["runAsUser"] != 0, f"{name}: is root")
    for volume in pod["volumes"]:
        if "configMap" in volume:
            expect(volume["configMap"]["name"] in maps, f"{name}: no such ConfigMap")
    waits = 0
    for container in containers_of(deployment):
        look_at_container(f"{name}/{container['name']}", container, pod)
        stop = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {})
        waits = max(waits, stop.get("seconds", 0))
    ini = maps[name]["data"].get("fcgi-herd.ini", "")
    needed = waits + 2 * seconds(ini, "shutdown-timeout")
    expect(pod["terminationGracePeriodSeconds"] >= needed, f"{name}: is killed before {needed} s")


def look_at_service(name, service, deployments):
    selector = service["spec"]["selector"]
    matching = [
        deployment
        for deployment in deployments.values()
        if selector.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    ]
    expect(len(matching) == 1, f"Service {name}: selects {len(matching)} Deployments")
    ports = {
        port["name"]: port["containerPort"]
        for deployment in matching
        for container in containers_of(deployment)
        for port in container.get("ports", [])
    }
    for port in service["spec"]["ports"]:
        expect(port["targetPort"] in ports, f"Service {name}: no port {port['targetPort']}")
        if service["spec"].get("clusterIP") == "None":
            expect(ports.get(port["targetPort"]) == port["port"], f"Service {name}: other port")


def look_at_srv(maps, services):
    srv = re.search(r"^\s*srv\s*=\s*(\S+)", maps["web"]["data"]["fcgi-mux.ini"], re.MULTILINE).group(1)
    port, protocol, name, namespace, rest = srv.split(".", 4)
    expect(name in services, f"srv: there is no Service {name}")
    service = services[name]
    expect(service["spec"]["clusterIP"] == "None", "srv: the Service is not headless")
    names = {(f"_{one['name']}", f"_{one['protocol'].lower()}") for one in service["spec"]["ports"]}
    expect((port, protocol) in names, f"srv: the Service has no port {port}")
    expect(namespace == service["metadata"]["namespace"], "srv: another namespace")
    expect(rest == "svc.cluster.local", "srv: another cluster")


def look_at_listening(maps, deployments):
    listen = re.search(r"^listen = \S+:(\d+)$", maps["php"]["data"]["fcgi-herd.ini"], re.MULTILINE)
    ports = [port["containerPort"] for port in containers_of(deployments["php"])[0]["ports"]]
    expect(int(listen.group(1)) in ports, "php: listens at another port")
    web = deployments["web"]
    port = web["spec"]["template"]["metadata"]["annotations"]["prometheus.io/port"]
    ports = [str(port["containerPort"]) for one in containers_of(web) for port in one.get("ports", [])]
    expect(port in ports, "web: the port of the metrics is none of its own")
    for port in ports:
        expect(f"listen {port};" in maps["web"]["data"]["default.conf"], f"nginx: no port {port}")


def look_at_scaling(objects, rules):
    for name, scaler in of_kind(objects, "HorizontalPodAutoscaler").items():
        target = scaler["spec"]["scaleTargetRef"]
        expect(target["name"] in of_kind(objects, target["kind"]), f"{name}: scales nothing")
        for metric in scaler["spec"]["metrics"]:
            wanted = metric["external"]["metric"]["name"]
            expect(wanted in [rule["name"]["as"] for rule in rules], f"{name}: no rule for {wanted}")
    for name, budget in of_kind(objects, "PodDisruptionBudget").items():
        selector = budget["spec"]["selector"]["matchLabels"]
        expect(
            any(
                selector == one["spec"]["selector"]["matchLabels"]
                for one in of_kind(objects, "Deployment").values()
            ),
            f"PodDisruptionBudget {name}: selects nothing",
        )
    for name, policy in of_kind(objects, "NetworkPolicy").items():
        for rule in policy["spec"]["ingress"]:
            for source in rule["from"]:
                label = source["podSelector"]["matchLabels"]["app"]
                expect(label in of_kind(objects, "Deployment"), f"NetworkPolicy {name}: no {label}")


def look(objects, rules):
    maps = of_kind(objects, "ConfigMap")
    deployments = of_kind(objects, "Deployment")
    services = of_kind(objects, "Service")
    for name, deployment in deployments.items():
        look_at_deployment(name, deployment, maps)
    for name, service in services.items():
        look_at_service(name, service, deployments)
    look_at_srv(maps, services)
    look_at_listening(maps, deployments)
    look_at_scaling(objects, rules)


def rules_of(paths):
    found = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for one in yaml.safe_load_all(file):
                if one and "rules" in one:
                    found += one["rules"]["external"]
    return found


def main(words):
    if words[0] == "--data":
        sys.stdout.write(of_kind(load(words[3:]), "ConfigMap")[words[1]]["data"][words[2]])
        return
    if words[0] == "--probe":
        for deployment in of_kind(load(words[3:]), "Deployment").values():
            for container in containers_of(deployment):
                if container["name"] == words[1]:
                    print("\n".join(container[words[2]]["exec"]["command"]))
        return
    if words[0] == "--metrics":
        for rule in rules_of(words[1:]):
            print("\n".join(sorted(set(re.findall(r"fcgi_herd_\w+", rule["metricsQuery"])))))
        return
    look(load(words), rules_of(words))
    print("\n".join(complaints), file=sys.stderr)
    sys.exit(1 if complaints else 0)


main(sys.argv[1:])
