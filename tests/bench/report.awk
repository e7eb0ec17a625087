# report.awk: the tables and the JSON of bench.sh, from its machine, goals and results.
# Lines: "machine|versions|run TAB text"; "goal ..." (see goals); the results, by tabs:
# ROUND WORK CPUS PEER METRIC VALUE.

BEGIN {
	column_count = split("rps cpu_us p50_ms p99_ms p999_ms errors starved short_p99_ms " \
		"lost_a_kill kills bytes calls", columns, " ")
	titles["rps"] = "req/s"; titles["cpu_us"] = "cpu us"
	titles["p50_ms"] = "p50 ms"; titles["p99_ms"] = "p99 ms"; titles["p999_ms"] = "p99.9 ms"
	titles["errors"] = "errors"; titles["starved"] = "starved"
	titles["short_p99_ms"] = "short p99"; titles["lost_a_kill"] = "lost/kill"
	titles["kills"] = "kills"; titles["bytes"] = "bytes"; titles["calls"] = "calls"
	is_sum["errors"] = is_sum["kills"] = 1
}

/^#/ || NF == 0 { next }

/^(machine|versions|run)\t/ {
	about[$1] = substr($0, index($0, "\t") + 1)
	next
}

$1 == "goal" {
	goals[++goal_count] = $0
	next
}

{
	split($0, field, "\t")
	row = field[2] "\t" field[3] "\t" field[4]
	if (!(row in seen)) {
		seen[row] = 1
		rows[++row_count] = row
	}
	value[row, field[5], field[1]] = field[6]
	has[row, field[5]] = 1
	if (field[1] > rounds)
		rounds = field[1]
}

function median(list, count,    i, j, t)
{
	for (i = 2; i <= count; i++)
		for (j = i; j > 1 && list[j - 1] + 0 > list[j] + 0; j--) {
			t = list[j]; list[j] = list[j - 1]; list[j - 1] = t
		}
	if (count == 0)
		return ""
	return count % 2 ? list[(count + 1) / 2] + 0 : (list[count / 2] + list[count / 2 + 1]) / 2
}

# Over the rounds: the median, or the sum of what is counted.
function summary(row, metric,    r, list, count, sum)
{
	for (r = 1; r <= rounds; r++)
		if ((row, metric, r) in value) {
			list[++count] = value[row, metric, r]
			sum += value[row, metric, r]
		}
	return is_sum[metric] ? sum : median(list, count)
}

# The median of the ratios within each round; sets low and high to the extremes.
function ratio(row, other, metric,    r, list, count)
{
	low = high = ""
	for (r = 1; r <= rounds; r++)
		if ((row, metric, r) in value && value[other, metric, r] > 0) {
			list[++count] = value[row, metric, r] / value[other, metric, r]
			if (low == "" || list[count] < low) low = list[count]
			if (high == "" || list[count] > high) high = list[count]
		}
	return median(list, count)
}

function shown(number)
{
	if (number == "")
		return "-"
	if (number >= 1000)
		return sprintf("%.0f", number)
	return sprintf(number == int(number) ? "%d" : (number < 10) ? "%.2f" : "%.1f", number)
}

# A table for each work: the columns that any of its rows has.
function print_work(work,    i, c, part, used)
{
	for (i = 1; i <= row_count; i++) {
		split(rows[i], part, "\t")
		for (c = 1; c <= column_count; c++)
			if (part[1] == work && (rows[i], columns[c]) in has)
				used[c] = 1
	}
	printf "\n%-28s", work
	for (c = 1; c <= column_count; c++)
		if (c in used)
			printf " %9s", titles[columns[c]]
	print ""
	for (i = 1; i <= row_count; i++) {
		split(rows[i], part, "\t")
		if (part[1] != work)
			continue
		printf "  %-26s", part[3] (part[2] == "one" ? ", one CPU" : "")
		for (c = 1; c <= column_count; c++)
			if (c in used)
				printf " %9s", shown(summary(rows[i], columns[c]))
		print ""
	}
}

function print_works(    i, part, done)
{
	for (i = 1; i <= row_count; i++) {
		split(rows[i], part, "\t")
		if (!(part[1] in done))
			print_work(part[1])
		done[part[1]] = 1
	}
}

# Sets measured and spread; false: not measured, or nothing to compare with.
function measure_goal(part,    row, other)
{
	row = part[2] "\t" part[3] "\t" part[4]
	spread = ""
	if (part[6] == "-") {
		measured = (row, part[5]) in has ? summary(row, part[5]) : ""
	} else {
		other = part[6] "\t" part[3] "\t" part[7]
		measured = ratio(row, other, part[5])
		if (measured != "")
			spread = sprintf("%.2f..%.2f", low, high)
	}
	return measured != ""
}

function print_goals(    i, part, name, met)
{
	printf "\n%-44s %8s %9s %13s\n", "goal", "limit", "measured", "rounds"
	for (i = 1; i <= goal_count; i++) {
		split(goals[i], part, " ")
		if (!measure_goal(part))
			continue
		name = part[2] (part[3] == "one" ? " one CPU" : "") " " part[5]
		if (part[6] != "-")
			name = name " to " (part[2] == part[6] ? part[7] : part[6])
		met = part[8] == "<=" ? measured <= part[9] : measured >= part[9]
		printf "%-44s %s %5s %9.3g %13s  %s\n", name, part[8], part[9], measured, spread,
			met ? "met" : "MISSED"
		json_goals = json_goals (json_goals ? "," : "") sprintf( \
			"\n  {\"goal\":\"%s\",\"limit\":\"%s %s\",\"measured\":%.4f,\"met\":%s}", \
			name, part[8], part[9], measured, met ? "true" : "false")
	}
}

function quoted(text)
{
	gsub(/["\\]/, "", text)
	return "\"" text "\""
}

function write_json(    i, c, part, comma)
{
	printf "{\"machine\":%s,\"versions\":%s,\"run\":%s,\n \"results\":[", quoted(about["machine"]),
		quoted(about["versions"]), quoted(about["run"]) >json
	for (i = 1; i <= row_count; i++) {
		split(rows[i], part, "\t")
		printf "%s\n  {\"work\":%s,\"cpus\":%s,\"peer\":%s", comma, quoted(part[1]),
			quoted(part[2]), quoted(part[3]) >json
		for (c = 1; c <= column_count; c++)
			if ((rows[i], columns[c]) in has)
				printf ",\"%s\":%.4f", columns[c], summary(rows[i], columns[c]) >json
		printf "}" >json
		comma = ","
	}
	printf "],\n \"goals\":[%s]}\n", json_goals >json
}

END {
	print about["machine"]
	print about["versions"]
	print about["run"] "; medians, errors and kills added up; cpu us: of the proxy, a request"
	print_works()
	print_goals()
	if (json != "")
		write_json()
}
