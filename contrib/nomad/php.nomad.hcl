# PHP on Nomad, found by way of Consul's DNS: see fcgi-fleet(7). In the configuration of a front:
#
#     resolver = 127.0.0.1:8600
#     [php]
#     srv = _php._tcp.service.consul

job "php" {
  group "php" {
    count = 3

    network {
      port "fcgi" {}
    }

    service {
      name = "php"
      port = "fcgi"

      # Runs in the task: whether a process takes requests.
      check {
        type     = "script"
        task     = "fcgi-herd"
        command  = "/usr/sbin/fcgi-mux"
        args     = ["--values", "${NOMAD_ADDR_fcgi}"]
        interval = "5s"
        timeout  = "2s"
      }
    }

    update {
      max_parallel = 1
      health_check = "checks"
    }

    task "fcgi-herd" {
      driver = "exec"
      user   = "nobody"

      # Out of Consul first; then time for the fronts to see it, then SIGTERM.
      shutdown_delay = "10s"
      # Twice the shutdown-timeout: the requests', then the children's.
      kill_timeout = "60s"

      config {
        command = "/usr/sbin/fcgi-herd"
        args    = ["-n", "--config", "local/fcgi-herd.ini"]
      }

      template {
        destination   = "local/fcgi-herd.ini"
        change_mode   = "signal"
        change_signal = "SIGHUP"
        data          = <<-EOT
          log = stderr
          ping-path = /ping
          status-path = /status

          [php]
          listen = {{ env "NOMAD_ADDR_fcgi" }}
          allowed-clients = 192.0.2.0/24
          bin-path = /usr/bin/php-cgi
          max-procs = 8
          shutdown-timeout = 25s
        EOT
      }
    }
  }
}
