#!/bin/sh
# words.sh [TEST [TRAIN]]: prints the list path,label of the Asterisk prompts for words-simclr.json: the words (digits,
# letters, phonetic names) that voices TRAIN and TEST both speak, each a class of its own, once by each; all else that
# other voices than TEST say is of the class "other", for pre-training alone.
# The data: apt install asterisk-core-sounds-en-wav asterisk-core-sounds-es-wav asterisk-core-sounds-fr-wav
#   asterisk-core-sounds-it-wav asterisk-core-sounds-ru-wav asterisk-prompt-it-menardi-wav
set -eu
test=${1:-it_IT_m_Carlo}
train=${2:-it_IT_f_Menardi}
sounds=${ASTERISK:-/usr/share/asterisk/sounds}
[ -d "$sounds/$test" ] && [ -d "$sounds/$train" ] || {
	echo "$sounds has no $test or no $train: apt install asterisk-core-sounds-en-wav asterisk-core-sounds-es-wav" \
		"asterisk-core-sounds-fr-wav asterisk-core-sounds-it-wav asterisk-core-sounds-ru-wav asterisk-prompt-it-menardi-wav" >&2
	exit 1
}
cd "$sounds"
export LC_ALL=C
echo path,label
find . -name '*.wav' -size +1k ! -path '*/silence/*' | sed 's|^\./||' | sort | while read -r path; do
	voice=${path%%/*}
	word=${path#*/}
	label=other
	case $word in digits/* | letters/* | phonetic/*)
		[ -s "$train/$word" ] && [ -s "$test/$word" ] && label=${word%.wav} ;;
	esac
	case $voice in
	"$test") [ "$label" = other ] || echo "$path,$label" ;;
	"$train") echo "$path,$label" ;;
	*) echo "$path,other" ;;
	esac
done
