package terminal

// A magicCommand is a command that runs a magic.
type magicCommand struct {
	name, magic string
	args        string // what follows the name in the usage line
	short, long string
	example     string
	first       kind   // what the first argument is
	result      string // the variable that the magic defines
	table       bool   // its result is for people to read: a table on a terminal
	// usage replaces the help of options that differ from the magic's.
	usage map[string]string
	// notebook explains, for options that make no sense in a terminal, why, or what
	// to use instead.
	notebook map[string]string
}

// A kind is a kind of argument.
type kind int

const (
	nothing kind = iota
	specFile
	modelFile
	runID
)

const (
	dataHelp   = "`FILE` with samples and labels (CSV, .npy, .npz, .parquet), or X.npy,y.npy"
	targetHelp = "`column` of the file that holds the labels"
	tagsHelp   = "`words` to find the run by, as in --tag paper,baseline"
)

var trainUsage = map[string]string{"data": dataHelp, "target": targetHelp, "val": "`FILE` with validation data, with the same columns", "tag": tagsHelp}

func magicCommands() []magicCommand {
	return []magicCommand{
		{
			name: "train", magic: "runpod_train", args: "SPEC -d FILE --target COLUMN [options]", first: specFile, result: "model",
			short: "Train the model that a file describes",
			long: `SPEC is a file with the model: a layer a line (linear 64), or the YAML or JSON model_config; - reads
stdin. Sizes of inputs follow from the data. With --from, which continues the training of a model,
SPEC may be left out.

The result goes to stdout as JSON (losses, metrics, seed, cost), progress to stderr. An interrupt cancels
the job and keeps the weights so far; a second one does not wait for them.

Exit codes: 0 done, 1 the job failed, 2 wrong input, 3 stopped by --timeout or --max-cost, or refused by a
budget, 4 no endpoint, or no worker within --queue-timeout, 130 interrupted.`,
			example: `gopherpod train net.yaml -d iris.csv --target species --epochs 50 -o net.safetensors
gopherpod train net.yaml -d iris.csv --target species --dry-run
gopherpod train --from net.safetensors -d iris.csv --target species --epochs 5 -o more.onnx
gopherpod train net.yaml -d X.npy,y.npy --endpoint local | jq .last_epoch`,
			usage: trainUsage,
			notebook: map[string]string{
				"noblock": "it would leave the run without anyone to write its model; stop watching with an interrupt and read the model with gopherpod attach RUN -o FILE",
				"model":   "a terminal has no variables; write the model into the file SPEC",
			},
		},
		{
			name: "sweep", magic: "runpod_sweep", args: "SPEC name=values... -d FILE --target COLUMN [options]", first: specFile, result: "model",
			short: "Find the best hyperparameters for the model that a file describes",
			long: `SPEC is a file with the model, as for train; names that vary are written $name in it. Values are:

  lr=log(1e-4,1e-1)   a number between, by order of magnitude
  dropout=0..0.5      a number between; 1..4 a whole number
  hidden=[64,128]     one of these

Quote them, because parentheses mean something to a shell. -o writes the best model; the result of its
training goes to stdout as JSON. --journal continues a sweep that was interrupted.`,
			example: `gopherpod sweep net.yaml 'lr=log(1e-4,1e-1)' -d iris.csv --target species --val-split 0.2 -o best.safetensors
gopherpod sweep net.yaml 'lr=log(1e-4,1e-1)' -d iris.csv --target species --trials 40 --method tpe --seed 1 --journal sweep.jsonl`,
			usage: trainUsage,
			notebook: map[string]string{
				"results": "a terminal has no variables; --journal FILE keeps all trials", "noblock": "it is an option of a single training in a notebook",
				"model": "a terminal has no variables; write the model into the file SPEC",
			},
		},
		{
			name: "eval", magic: "runpod_eval", args: "MODEL -d FILE --target COLUMN [options]", first: modelFile, result: "result",
			short: "Measure a model file on data: accuracy or error, per class",
			long:  `MODEL is a .safetensors file, as train -o writes it. Metrics go to stdout as JSON, tables to stderr.`,
			example: `gopherpod eval net.safetensors -d test.csv --target species
gopherpod eval net.safetensors -d test.csv --target species | jq .metrics.accuracy`,
			usage:    trainUsage,
			notebook: map[string]string{"model": "name the model's file first: gopherpod eval MODEL", "output": "the result goes to stdout"},
		},
		{
			name: "predict", magic: "runpod_predict", args: "MODEL -d FILE [options]", first: modelFile, result: "predictions",
			short: "Compute a model file's outputs for data",
			long: `MODEL is a .safetensors file, as train -o writes it. The rows go to stdout as JSON: numbers, or class
names with --labels. With -o they go to a file, and stdout has their number.`,
			example: `gopherpod predict net.safetensors -d new.csv --labels -o labels.json
gopherpod predict net.safetensors -d new.csv --proba | jq '.[0]'`,
			usage:    map[string]string{"data": "`FILE` with the samples (CSV, .npy, .npz, .parquet)"},
			notebook: map[string]string{"model": "name the model's file first: gopherpod predict MODEL"},
		},
		{
			name: "runs", magic: "runpod_runs", args: "[options]", table: true,
			short: "List the runs of this machine, newest first",
			long:  `On a terminal the list is a table, elsewhere JSON.`,
			example: `gopherpod runs --state open
gopherpod runs --json | jq -r '.[0].run_id'`,
		},
		{
			name: "history", magic: "runpod_history", args: "RUN", first: runID, table: true,
			short: "Show the epochs and the receipt of a run",
			long:  `RUN is the beginning of a run's id, or last. On a terminal it is shown as tables, elsewhere as JSON.`,
			example: `gopherpod history last
gopherpod history last --json | jq '.epochs[-1]'`,
		},
		{
			name: "attach", magic: "runpod_attach", args: "RUN [options]", first: runID, result: "model",
			short: "Follow a run to its end and write its model",
			long: `RUN is the beginning of a run's id, or last. It works for runs of notebooks too. An interrupt leaves the
run alone; gopherpod cancel RUN stops it. If the run is over, -o writes the model for as long as the
endpoint keeps it.`,
			example: `gopherpod attach last -o net.safetensors`,
		},
		{
			name: "cancel", magic: "runpod_cancel", args: "RUN", first: runID, table: true,
			short:   "Stop a run on the endpoint",
			long:    `RUN is the beginning of a run's id, last, or a job's id.`,
			example: `gopherpod cancel last`,
		},
		{
			name: "cost", magic: "runpod_cost", args: "[options]", table: true,
			short: "Show what the runs of this machine cost, and what RunPod billed",
			long:  `On a terminal costs are shown as tables, elsewhere as JSON. Days are days of UTC.`,
			example: `gopherpod cost --by day
gopherpod cost --days 30 --by notebook
RUNPOD_BUDGET_DAY=5 gopherpod cost`,
			notebook: map[string]string{
				"budget":       "a command is over when it ends; set RUNPOD_BUDGET_DAY, or give train --max-cost",
				"max-per-hour": "it would end with the command; set RUNPOD_MAX_PER_HOUR",
			},
		},
	}
}
