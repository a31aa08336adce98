-- Readers of the user's own files: every form, and every way a file can be wrong, each told with
-- file, line and what was wanted.
local data = require "yoso.data"

local folder

local function file(name, text)
    local path = folder .. "/" .. name
    local handle = assert(io.open(path, "wb"))
    handle:write(text)
    handle:close()
    return path
end

local function all(path, kind, options)
    local source, failure = data.open(path, kind, options)
    if not source then
        return nil, failure
    end
    return data.collect(source)
end

-- The message must end with wanted; before it stands the path.
local function fails(wanted, examples, message)
    assert.is_nil(examples)
    assert.equal(wanted, message:sub(#folder + 2))
end

describe("own files", function()
    setup(function()
        folder = os.tmpname()
        os.remove(folder)
        os.execute("mkdir " .. folder)
    end)
    teardown(function()
        os.execute("rm -rf " .. folder)
    end)

    it("read TSV without quoting, with a byte-order mark and CRLF", function()
        local rows = all(file("a.tsv", '\239\187\191text\tlabel\r\n"quoted\tgood\r\n\r\nx y\tbad'),
            "text-classification")
        assert.same({{text = '"quoted', label = "good", line = 2},
            {text = "x y", label = "bad", line = 4}}, rows)
    end)

    it("read CSV with quotes, commas and line ends inside", function()
        local rows = all(file("a.csv", 'stars,review\n3,"a ""b"", c\nd"\n4,plain\n'),
            "text-classification", {columns = {text = "review", label = "stars"}})
        assert.same({{text = 'a "b", c\nd', label = "3", line = 2},
            {text = "plain", label = "4", line = 4}}, rows)
    end)

    it("read JSON lines, with lists of labels and null left out", function()
        local rows = all(file("a.jsonl",
            '{"text": "x", "pair": null, "label": ["a", "b"]}\n\n{"sentence1": "y", "sentence2": "z"}'),
            "text-classification")
        assert.same({{text = "x", label = {"a", "b"}, line = 1},
            {text = "y", pair = "z", line = 3}}, rows)
    end)

    it("read CoNLL apart by tabs or by spaces, with middle columns", function()
        local rows = all(file("a.conll", "-DOCSTART- O\n\nNew\tB-LOC\nYork\tI-LOC\n\t\n\na b c O\n"),
            "token-classification")
        assert.same({{tokens = {"New", "York"}, tags = {"B-LOC", "I-LOC"}, line = 3},
            {tokens = {"a"}, tags = {"O"}, line = 7}}, rows)
    end)

    it("tell a question without an answer from one whose answer is not told", function()
        local rows = all(file("q.jsonl", '{"question": "?", "context": "c", "answers": []}\n'
            .. '{"question": "?", "context": "c"}\n'), "question-answering")
        assert.same({true, false}, {rows[1].impossible, rows[2].impossible})
        rows = all(file("q.json", '{"data": [{"paragraphs": [{"context": "c", "qas": [{"id": "1", '
            .. '"question": "?", "answers": [], "is_impossible": true}, {"id": "2", '
            .. '"question": "?"}]}]}]}'), "question-answering")
        assert.same({true, false}, {rows[1].impossible, rows[2].impossible})
    end)

    it("read CoNLL of plain tags, parts of speech or others", function()
        local rows = all(file("a.conll", "the\tDET\ncat\tNOUN\n\nO\tO\n"), "token-classification")
        assert.same({{tokens = {"the", "cat"}, tags = {"DET", "NOUN"}, line = 1},
            {tokens = {"O"}, tags = {"O"}, line = 4}}, rows)
    end)

    it("read questions with answers in either JSON form, and offsets in code points", function()
        local rows = all(file("q.jsonl", '{"question": "?", "context": "é fine day", "answers": '
            .. '[{"text": "fine", "answer_start": 2}]}\n{"question": "?", "context": "a fine day", '
            .. '"answers": {"text": ["day"], "answer_start": [7]}}'), "question-answering")
        assert.same({{text = "fine", start = 3, stop = 7}}, rows[1].answers)
        assert.same({{text = "day", start = 7, stop = 10}}, rows[2].answers)
    end)

    it("read choices in a list or in columns", function()
        local rows = all(file("c.jsonl", '{"prompt": "p", "choices": ["a", "b", "c"], "label": 2}'),
            "multiple-choice")
        assert.same({{prompt = "p", choices = {"a", "b", "c"}, label = 2, line = 1}}, rows)
        rows = all(file("c.tsv", "question\tchoice0\tchoice1\tchoice2\tlabel\np\ta\tb\t\t1\n"),
            "multiple-choice")
        assert.same({{prompt = "p", choices = {"a", "b"}, label = 1, line = 2}}, rows)
    end)

    it("read plain text, passing over empty lines", function()
        assert.same({{text = "one", line = 1}, {text = "two", line = 3}},
            all(file("a.txt", "one\n \ntwo\n"), "fill-mask"))
    end)

    it("stop at the number of records asked for", function()
        local source = data.take(data.text(file("b.txt", "1\n2\n3\n")), 2)
        assert.equal(2, #data.collect(source))
    end)
end)

describe("a wrong file", function()
    setup(function()
        folder = os.tmpname()
        os.remove(folder)
        os.execute("mkdir " .. folder)
    end)
    teardown(function()
        os.execute("rm -rf " .. folder)
    end)

    it("that is missing is named", function()
        local source, message = data.open(folder .. "/none.tsv", "text-classification")
        assert.is_nil(source)
        assert.matches("none%.tsv", message)
    end)
    it("of an unknown kind lists the kinds", function()
        fails("a.doc: no known ending for fill-mask, wanted one of .csv .jsonl .raw .tokens .tsv .txt",
            all(file("a.doc", "x"), "fill-mask"))
    end)
    it("with bytes that are not UTF-8 names line and byte", function()
        fails("a.tsv:2: byte 2 (0xFF) is not UTF-8",
            all(file("a.tsv", "text\tlabel\na\255b\t1\n"), "text-classification"))
        for _, bad in ipairs{"\192\175", "\237\160\128", "\244\144\128\128", "\226\130", "\128"} do
            local _, message = all(file("u.txt", bad), "fill-mask")
            assert.matches("u%.txt:1: byte 1 %(0x%x+%) is not UTF%-8", message)
        end
    end)
    it("with too few columns names both numbers", function()
        fails("a.tsv:3: 1 columns, wanted 2 (text, label)",
            all(file("a.tsv", "text\tlabel\nx\t1\ny\n"), "text-classification"))
    end)
    it("compressed and broken off", function()
        local path = file("z.txt", ("a line of text %d\n"):rep(5000))
        os.execute(("gzip -c %s | head -c 60 > %s/cut.txt.gz; rm %s"):format(path, folder, path))
        local rows, message = all(folder .. "/cut.txt", "fill-mask")
        assert.is_nil(rows)
        assert.matches("cut%.txt%.gz", message)
    end)
    it("without a header", function()
        fails("a.csv: the file is empty, wanted a header",
            all(file("a.csv", ""), "text-classification"))
    end)
    it("with an unclosed quote names where it opened", function()
        fails("a.csv:2: a quoted field is not closed",
            all(file("a.csv", 'text,label\n"x,1\ny,2\n'), "text-classification"))
        fails("a.csv:2: field 1 goes on after its closing quote",
            all(file("a.csv", 'text,label\n"x"y,1\n'), "text-classification"))
    end)
    it("without a text column", function()
        fails("a.tsv:2: no text column; wanted text, sentence or sentence1, or name it with text=",
            all(file("a.tsv", "words\tlabel\nx\t1\n"), "text-classification"))
        fails("b.tsv:2: no words column; wanted text, sentence or sentence1, or name it with text=",
            all(file("b.tsv", "text\tlabel\nx\t1\n"), "text-classification",
                {columns = {text = "words"}}))
    end)
    it("with a text that is none", function()
        fails("a.jsonl:1: text is a number, must be a string",
            all(file("a.jsonl", '{"text": 3, "label": "x"}\n'), "text-classification"))
        fails("a.jsonl:1: text is a number, must be a string",
            all(file("a.jsonl", '{"text": 3}\n'), "fill-mask"))
    end)
    it("with columns named for what an example does not have", function()
        local path = file("a.tsv", "text\tlabel\nx\t1\n")
        local none, message = all(path, "text-classification", {columns = {txt = "text"}})
        assert.is_nil(none)
        assert.equal("column txt: text-classification has text, pair, label", message)
        none, message = all(path, "token-classification", {columns = {text = "text"}})
        assert.is_nil(none)
        assert.equal("column text: token-classification has no columns to name", message)
    end)
    it("that is no JSON names the line", function()
        local _, message = all(file("a.jsonl", '{"text": "x"}\n{oops\n'), "text-classification")
        assert.matches("a%.jsonl:2: not JSON: ", message)
        fails("a.jsonl:1: not an object, wanted {...}",
            all(file("a.jsonl", "[1]\n"), "text-classification"))
    end)
    it("with a bad tag, or a token alone", function()
        fails('a.conll:2: tag "LOC", wanted O, B-TYPE or I-TYPE',
            all(file("a.conll", "w\tB-LOC\nx\tLOC\n"), "token-classification"))
        fails('a.conll:3: tag "B-LOC", wanted a plain tag like those before it',
            all(file("a.conll", "the\tDET\ncat\tNOUN\nx\tB-LOC\n"), "token-classification"))
        fails("a.conll:2: one column, wanted a token and its tag",
            all(file("a.conll", "x\tO\ny\n"), "token-classification"))
    end)
    it("with answers outside the context", function()
        fails("a.jsonl:1: wanted answers as a list of text and answer_start in context",
            all(file("a.jsonl", '{"question": "?", "context": "short", "answers": '
                .. '[{"text": "x", "answer_start": 99}]}'), "question-answering"))
        fails("a.jsonl:1: wanted answers as a list of text and answer_start in context",
            all(file("a.jsonl", '{"question": "?", "context": "short", "answers": '
                .. '[{"text": "o", "answer_start": 99}]}'), "question-answering"))
        fails("a.json: question q1, answer 1: wanted a text and its answer_start inside the context",
            all(file("a.json", '{"data": [{"paragraphs": [{"context": "c", "qas": [{"id": "q1", '
                .. '"question": "?", "answers": [{"text": "x", "answer_start": 9}]}]}]}]}'),
                "question-answering"))
    end)
    it("of SQuAD's kind without its parts", function()
        fails("a.json: wanted an object whose data is a list of articles",
            all(file("a.json", "{}"), "question-answering"))
        fails("a.json: article 1 has no paragraphs",
            all(file("a.json", '{"data": [{}]}'), "question-answering"))
        fails("a.json: article 1, paragraph 1: wanted context and qas",
            all(file("a.json", '{"data": [{"paragraphs": [{}]}]}'), "question-answering"))
    end)
    it("with a label that is none of the choices", function()
        fails("a.jsonl:1: label 2, wanted a choice's number from 0 to 1",
            all(file("a.jsonl", '{"prompt": "p", "choices": ["a", "b"], "label": 2}'),
                "multiple-choice"))
    end)
    it("of a known set names its labels", function()
        local _, message = data.collect(data.glue("rte",
            file("dev.tsv", "index\tsentence1\tsentence2\tlabel\n0\ta\tb\tmaybe\n")))
        assert.equal('dev.tsv:2: label is "maybe", wanted one of entailment, not_entailment',
            message:sub(#folder + 2))
        _, message = data.glue("sst2", file("dev.tsv", "text\tlabel\n"))
        assert.equal("dev.tsv:1: the header has no column sentence; it has text, label",
            message:sub(#folder + 2))
        _, message = data.collect(data.copa(file("c.xml", '<item id="7" asks-for="x">?</item>')))
        assert.matches("c%.xml: item 7: wanted p, a1, a2", message)
        _, message = data.cifar(file("p.bin", "x"))
        assert.equal("p.bin: 1 bytes, wanted a multiple of 1025 (a label and 1024 grey values)",
            message:sub(#folder + 2))
    end)
end)
