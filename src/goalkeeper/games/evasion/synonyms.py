"""Words of everyday and business mail that can stand for one another: public, and not complete."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# One group a line. Words of a group say about the same in most sentences; shorthand counts.
GROUPS = """
free complimentary gratis costless
win receive gain get
winner recipient champion
won received gained got
cash money funds payment
prize reward award gift
offer deal proposal bargain
claim collect redeem request
urgent pressing immediate asap
bonus extra premium addition
guaranteed assured certain promised
guarantee assurance promise warranty
discount reduction rebate markdown
loan credit advance lending
buy purchase order acquire
cheap inexpensive affordable lowcost
price cost rate fee
sale selloff clearance
click press tap hit
here below
call phone ring dial
text message sms
reply respond answer
send forward dispatch submit
stop end cancel quit
now immediately today instantly
limited restricted scarce
exclusive special private select
amazing astonishing incredible marvellous
great excellent fantastic superb
best finest top greatest
new latest fresh recent
account profile login
bank lender institution
verify confirm validate check
confirm verify approve
update refresh renew
suspended blocked locked frozen
security safety protection
password passcode pin
link url address
website site page portal
subscribe enrol register join
unsubscribe leave optout
customer client buyer
service support assistance
mobile cell handset
contact reach approach
million mln
dollars usd bucks
pounds gbp quid
earn make obtain
income earnings revenue pay
job position work post
invest fund finance
investment funding stake
profit gain return
risk danger hazard
save spare keep
credit lending finance
debt liability arrears
insurance cover coverage
medicine drug remedy medication
pills tablets capsules
doctor physician medic
weight mass pounds
lottery raffle draw
chance opportunity shot
selected chosen picked
congratulations congrats felicitations
dear beloved esteemed
friend mate pal buddy
hello hi hey
thanks cheers ta
thank bless
please kindly pls
sorry apologies pardon
meeting appointment session mtg
meet see gather
tomorrow tmrw tomoz
tonight tonite
today tdy
week wk
weekend wkend
month mth
year yr
morning forenoon
evening eve
night nite
home house place
family relatives kin folks
lunch meal luncheon
dinner supper meal
food meal grub
friendship closeness
love affection adore
good fine decent nice
bad poor awful
big large huge
small little tiny
happy glad pleased cheerful
sad unhappy upset
quick fast rapid swift
quickly fast rapidly swiftly
slow gradual
want wish desire
need require
help assist aid
show display present
give provide grant hand
take grab seize
find discover locate
look see watch
think believe reckon
know understand realise
tell inform notify
ask request enquire
say state mention
start begin commence
finish complete end
leave depart exit
come arrive
wait hold
work operate function
problem issue trouble difficulty
question query enquiry
idea thought notion
report account summary
document file paper
attached enclosed appended
schedule timetable plan agenda
project task undertaking
team group crew
company firm business enterprise
office workplace bureau
boss manager chief
colleague coworker
student pupil learner
teacher instructor tutor
school college academy
course class lesson
exam test quiz
car vehicle auto
trip journey tour
flight plane
hotel inn lodging
holiday vacation break
picture photo image
film movie
song tune track
party celebration bash
birthday bday
later afterwards l8r
soon shortly
maybe perhaps possibly
sure certainly surely
very really highly
also too additionally
but however yet
because since cos
about regarding concerning
great gr8
you u
your ur
are r
before b4
people persons folks
child kid
children kids
man guy bloke
woman lady
"""


def _table() -> Mapping[str, tuple[str, ...]]:
    """Map each word to the others of all its groups, in the order of the list."""
    found: dict[str, list[str]] = {}
    for line in GROUPS.strip().splitlines():
        group = line.split()
        for word in group:
            found.setdefault(word, []).extend(other for other in group if other != word)
    return MappingProxyType({word: tuple(dict.fromkeys(others)) for word, others in found.items()})


SYNONYMS = _table()
